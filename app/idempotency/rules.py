"""Validate keys, and decide whether two requests are the same one. Pure."""

import hashlib
import json
import re
from uuid import UUID

from app.idempotency.errors import HEADER, IdempotencyKeyRequired

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
# Printable ASCII: a header can carry it without an encoding.
_KEY = re.compile(r"[ -~]{1,255}", re.ASCII)


def validate_key(text: str | None) -> str:
    """Return the key. Raises `IdempotencyKeyRequired` if it is missing or invalid."""
    if not text:
        raise IdempotencyKeyRequired(
            f"Send an {HEADER} header: 1 to 255 characters, unique to each new request, such "
            "as a UUID. Send the same key again when you repeat a request."
        )
    if not _KEY.fullmatch(text):
        raise IdempotencyKeyRequired(f"{HEADER} must have 1 to 255 printable ASCII characters.")
    return text


def request_fingerprint(method: str, path: str, body: object) -> bytes:
    """Return the SHA-256 of method, path and parsed JSON; key order and spaces do not count."""
    return hashlib.sha256(f"{method} {path}\n{_canonical(body)}".encode()).digest()


def advisory_lock_number(actor_id: UUID, key: str) -> int:
    """Return the signed 64-bit number of the advisory lock for this key of this actor."""
    digest = hashlib.blake2b(actor_id.bytes + key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
