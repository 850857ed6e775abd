"""Password hashes: argon2id, at a cost that settings state.

Hashing takes tens of milliseconds on purpose: call it where no row is locked.
"""

from base64 import b64encode
from secrets import token_bytes
from unicodedata import normalize

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError


class PasswordHashing:
    """Hashes and verifies passwords."""

    def __init__(self, *, memory_kib: int, passes: int, lanes: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=lanes, type=Type.ID
        )
        cost = f"m={memory_kib},t={passes},p={lanes}"
        self._nobodys = f"$argon2id$v=19${cost}${_random_text(16)}${_random_text(32)}"

    def hash(self, password: str) -> str:
        """The hash to store, with its parameters and a fresh salt."""
        return self._hasher.hash(_to_bytes(password))

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the stored one. Without a stored one, or with a text that says why
        there is none: no, after as long a time."""
        known = stored if stored and stored.startswith("$argon2") else self._nobodys
        try:
            return self._hasher.verify(known, _to_bytes(password))
        except VerifyMismatchError:
            return False

    def is_outdated(self, stored: str) -> bool:
        """Whether a stored hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(stored)


def _random_text(size: int) -> str:
    return b64encode(token_bytes(size)).decode().rstrip("=")


def _to_bytes(password: str) -> bytes:
    # NFKC, so that a password typed on another keyboard is the same password; a lone surrogate,
    # which JSON can carry, matches nothing but must not break.
    return normalize("NFKC", password).encode("utf-8", "surrogatepass")
