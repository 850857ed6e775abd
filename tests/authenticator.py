"""A passkey in software, which signs as a browser's would, or as an attacker's."""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40
_BACKUP_ELIGIBLE, _BACKED_UP = 0x08, 0x10


def text(data: bytes) -> str:
    """Return base64url without padding, as browsers write it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """A passkey. `overrides` replace parts of its responses, to forge them."""

    origin: str
    party: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = field(default_factory=lambda: token_bytes(32))
    user_handle: bytes | None = None
    count: int = 0
    verifies_user: bool = True
    is_synced: bool = False

    def create(self, options: dict[str, Any], **overrides: Any) -> str:
        """Return the response that registers this passkey."""
        self.user_handle = _from(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public_key = {
            1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)
        }  # fmt: skip
        attested = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id
        data = self._data(_ATTESTED, overrides) + attested + cbor2.dumps(public_key)
        statement = {"fmt": "none", "attStmt": {}, "authData": data}
        client = self._client("webauthn.create", options, overrides)
        return self._encode(client, {"attestationObject": text(cbor2.dumps(statement))})

    def get(self, options: dict[str, Any], **overrides: Any) -> str:
        """Return the response that proves this passkey. `overrides` replace parts of it."""
        self.count = overrides.get("count", self.count + 1 if self.count else 0)
        data = self._data(0, overrides)
        client = self._client("webauthn.get", options, overrides)
        signed = data + hashlib.sha256(client).digest()
        signature = overrides.get("signature") or self.key.sign(signed, ec.ECDSA(SHA256()))
        response = {"authenticatorData": text(data), "signature": text(signature)}
        handle = overrides.get("user_handle", self.user_handle)
        if handle is not None:
            response["userHandle"] = text(handle)
        return self._encode(client, response)

    def _data(self, flags: int, overrides: dict[str, Any]) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies_user else 0)
        if overrides.get("is_synced", self.is_synced):
            flags |= _BACKUP_ELIGIBLE | _BACKED_UP
        party = overrides.get("party", self.party)
        return hashlib.sha256(party.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, options: dict[str, Any], overrides: dict[str, Any]) -> bytes:
        client_data = {
            "type": overrides.get("type", kind),
            "challenge": overrides.get("challenge", options["challenge"]),
            "origin": overrides.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(client_data).encode()

    def _encode(self, client: bytes, response: dict[str, str]) -> str:
        return json.dumps(
            {
                "id": text(self.credential_id),
                "rawId": text(self.credential_id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {"clientDataJSON": text(client), **response},
            }
        )


def _from(encoded: str) -> bytes:
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
