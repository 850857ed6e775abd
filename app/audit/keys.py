"""The keys of the audit trail, derived from secrets in the settings that the database never sees.

Each secret of the ring yields three keys: one for records, one for the chain, and an Ed25519 pair
for anchors. The public half lets others verify copies of anchors without being able to forge one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SECRET_BYTES_MIN = 32
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AuditKey:
    """One secret of the ring, as the keys derived from it."""

    key_id: str
    #: Keyed and empty. Copying it takes half the time of creating a new one.
    records: HMAC
    chain: HMAC
    anchors: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"AuditKey({self.key_id!r})"

    @classmethod
    def derive(cls, key_id: str, secret: bytes) -> "AuditKey":
        """Derive the keys from a secret.

        Raises `ValueError` for a malformed id or a secret of less than 32 bytes.
        """
        if not _KEY_ID.fullmatch(key_id):
            raise ValueError("an audit key's id is 1 to 32 of A-Z a-z 0-9 _ -")
        if len(secret) < _SECRET_BYTES_MIN:
            raise ValueError(f"the audit key {key_id} is shorter than {_SECRET_BYTES_MIN} bytes")
        return cls(
            key_id,
            records=HMAC(_derive(secret, "records"), SHA256()),
            chain=HMAC(_derive(secret, "chain"), SHA256()),
            anchors=Ed25519PrivateKey.from_private_bytes(_derive(secret, "anchors")),
        )

    def mac_of_record(self, message: bytes) -> bytes:
        """Return the keyed hash of a record."""
        return _mac(self.records, message)

    def mac_of_seal(self, message: bytes) -> bytes:
        """Return the keyed hash of a seal."""
        return _mac(self.chain, message)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of an anchor."""
        return self.anchors.sign(message)

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Return whether this key made the signature of the message."""
        try:
            self.anchors.public_key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @property
    def public_key_hex(self) -> str:
        """The public key that verifies anchors, in hexadecimal."""
        return self.anchors.public_key().public_bytes_raw().hex()


class AuditKeys:
    """The key ring: the first key writes, all keys verify."""

    def __init__(self, keys: Sequence[AuditKey]) -> None:
        self.current = keys[0]
        self.by_id = {key.key_id: key for key in keys}
        if len(self.by_id) < len(keys):
            raise ValueError("two audit keys have the same id")


def audit_keys(configured: str, secret_key: str) -> AuditKeys:
    """Return the key ring of the setting `kid:secret,kid:secret`.

    An empty setting yields one key derived from the application's secret key. Raises `ValueError`
    naming the problem.
    """
    if not configured:
        name = sha256(_derive(secret_key.encode(), "name")).hexdigest()[:8]
        return AuditKeys([AuditKey.derive(f"derived-{name}", secret_key.encode())])
    pairs = [item.strip().partition(":") for item in configured.split(",")]
    return AuditKeys([AuditKey.derive(key_id, secret.encode()) for key_id, _, secret in pairs])


def _mac(keyed: HMAC, message: bytes) -> bytes:
    mac = keyed.copy()
    mac.update(message)
    return mac.finalize()


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"pbcex audit {purpose}".encode()).derive(secret)
