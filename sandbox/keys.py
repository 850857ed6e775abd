"""The keys that open the sandbox and sign its webhooks. No secrets: everybody may know them."""

import hmac
from hashlib import sha256


def sandbox_key(name: str) -> str:
    """The key of that name, as the exchange knows it too where nobody configured another."""
    return sha256(f"pbcex sandbox {name}".encode()).hexdigest()


def timed_signature(key: str, body: bytes, *, at: float) -> str:
    """`t=…,v1=…`: made at that second of the epoch."""
    signed = f"{int(at)}.".encode() + body
    return f"t={int(at)},v1={hmac.digest(key.encode(), signed, 'sha256').hex()}"
