"""Password hashing: argon2id, at the cost in the settings.

Hashing takes tens of milliseconds on purpose: call it while no row is locked.
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
        self._decoy_hash = f"$argon2id$v=19${cost}${_random_text(16)}${_random_text(32)}"

    def hash(self, password: str) -> str:
        """Return the hash to store, with its parameters and a fresh salt."""
        return self._hasher.hash(_to_bytes(password))

    def matches(self, stored: str | None, password: str) -> bool:
        """Return whether `password` matches the stored hash.

        Without a hash, or with a marker in its place, returns False after as long a time.
        """
        password_hash = stored if stored and stored.startswith("$argon2") else self._decoy_hash
        try:
            return self._hasher.verify(password_hash, _to_bytes(password))
        except VerifyMismatchError:
            return False

    def is_outdated(self, stored: str) -> bool:
        """Return whether a stored hash was made at another cost than the present one."""
        return self._hasher.check_needs_rehash(stored)


def _random_text(size: int) -> str:
    return b64encode(token_bytes(size)).decode().rstrip("=")


def _to_bytes(password: str) -> bytes:
    # NFKC, so that a password typed on another keyboard is the same password. A lone surrogate,
    # which JSON can carry, matches nothing but must not raise.
    return normalize("NFKC", password).encode("utf-8", "surrogatepass")
