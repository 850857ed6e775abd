"""A passkey in software: makes and signs what a browser would, or what an attacker would."""

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


def text(data: bytes) -> str:
    """base64url without padding, as browsers write it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One passkey. What it claims about itself can be changed, to lie."""

    origin: str
    party: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = field(default_factory=lambda: token_bytes(32))
    user_handle: bytes | None = None
    count: int = 0
    verifies_user: bool = True

    def create(self, options: dict[str, Any], **lies: Any) -> str:
        """The answer that registers this passkey."""
        self.user_handle = _from(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public_key = {
            1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)
        }  # fmt: skip
        attested = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id
        data = self._data(_ATTESTED, lies) + attested + cbor2.dumps(public_key)
        statement = {"fmt": "none", "attStmt": {}, "authData": data}
        client = self._client("webauthn.create", options, lies)
        return self._said(client, {"attestationObject": text(cbor2.dumps(statement))})

    def get(self, options: dict[str, Any], **lies: Any) -> str:
        """The answer that proves this passkey. `lies` replaces what it says."""
        self.count = lies.get("count", self.count + 1 if self.count else 0)
        data = self._data(0, lies)
        client = self._client("webauthn.get", options, lies)
        signed = data + hashlib.sha256(client).digest()
        signature = lies.get("signature") or self.key.sign(signed, ec.ECDSA(SHA256()))
        answer = {"authenticatorData": text(data), "signature": text(signature)}
        handle = lies.get("user_handle", self.user_handle)
        if handle is not None:
            answer["userHandle"] = text(handle)
        return self._said(client, answer)

    def _data(self, flags: int, lies: dict[str, Any]) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies_user else 0)
        party = lies.get("party", self.party)
        return hashlib.sha256(party.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, options: dict[str, Any], lies: dict[str, Any]) -> bytes:
        said = {
            "type": lies.get("type", kind),
            "challenge": lies.get("challenge", options["challenge"]),
            "origin": lies.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _said(self, client: bytes, response: dict[str, str]) -> str:
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
