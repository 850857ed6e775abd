"""What makes two requests the same one."""

import hashlib
import json
import re
from uuid import UUID

from app.idempotency.errors import HEADER, IdempotencyKeyRequired

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
# Printable ASCII: what a header can carry without an encoding.
_KEY = re.compile(r"[ -~]{1,255}", re.ASCII)


def validate_key(text: str | None) -> str:
    """The key as given. Raises `IdempotencyKeyRequired` if it is missing or unusable."""
    if not text:
        raise IdempotencyKeyRequired(
            f"send an {HEADER} header: any 1 to 255 characters that are new for each new request, "
            "such as a UUID; repeat the same one when you repeat a request"
        )
    if not _KEY.fullmatch(text):
        raise IdempotencyKeyRequired(f"{HEADER} must be 1 to 255 printable ASCII characters")
    return text


def request_fingerprint(method: str, path: str, body: object) -> bytes:
    """SHA-256 over method, path and parsed JSON; the order of keys and white space do not count."""
    return hashlib.sha256(f"{method} {path}\n{_canonical(body)}".encode()).digest()


def advisory_lock_number(actor_id: UUID, key: str) -> int:
    """The signed 64-bit number that stands for this key of this actor in an advisory lock."""
    digest = hashlib.blake2b(actor_id.bytes + key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
