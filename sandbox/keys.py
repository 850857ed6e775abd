"""Keys of the sandbox and of its webhooks. They are public, not secrets."""

import hmac
from hashlib import sha256


def sandbox_key(name: str) -> str:
    """Return the key of a name, which PBCEx uses too where no other is configured."""
    return sha256(f"pbcex sandbox {name}".encode()).hexdigest()


def timed_signature(key: str, body: bytes, *, at: float) -> str:
    """Return the signature `t=…,v1=…` of a body at a second of the epoch."""
    signed = f"{int(at)}.".encode() + body
    return f"t={int(at)},v1={hmac.digest(key.encode(), signed, 'sha256').hex()}"
