"""What a keeper of keys does: the file of `keys.ring`, or a key management service."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RingKey:
    """What may be said about a key. `id` is 16 hexadecimal digits."""

    id: str
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None
    active: bool

    @property
    def state(self) -> str:
        """`seals`, `opens`, `waits` (it can open, and never sealed yet) or `retired`."""
        if self.retired_at is not None:
            return "retired"
        if self.active:
            return "seals"
        return "waits" if self.activated_at is None else "opens"


class KeyRing(Protocol):
    """Wraps data keys, and computes MACs for look-ups, with keys that never leave it.

    Every verb raises `KeyRingUnavailable` when the keeper cannot be asked.
    """

    def list_keys(self) -> list[RingKey]:
        """All keys, oldest first, the retired ones included."""

    def active_id(self) -> str:
        """The key that wraps."""

    def wrap(self, data_key: bytes, authenticated: bytes) -> tuple[str, bytes]:
        """The active key's id, and `data_key` wrapped by it."""

    def unwrap(self, key_id: str, wrapped: bytes, authenticated: bytes) -> bytes:
        """The data key. Raises `KeyLost`, or `DecryptionFailed` for what this key never wrapped
        so."""

    def mac(self, message: bytes) -> bytes:
        """32 bytes that nobody without the ring can compute. Rotation does not change them."""

    def generate(self) -> RingKey:
        """Add a key that does not wrap yet; the first one of a ring does at once."""

    def activate(self, key_id: str) -> None:
        """From now on this key wraps. Raises `KeyLost`."""

    def retire(self, key_id: str) -> None:
        """Forget the key's secret, not that there was one. Raises `KeyLost`, or `KeyInUse` for
        the active one."""
