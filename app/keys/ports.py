"""The port of a key ring: the file in `keys.ring`, or a key management service."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.kit.labels import Mark, StatusEnum


class KeyState(StatusEnum):
    """What a key is used for. Commands print the value."""

    SEALS = "seals", "Active", Mark.DONE
    """It seals and opens."""
    OPENS = "opens", "Inactive, readable", Mark.ENDED
    """It only opens what it sealed."""
    WAITS = "waits", "Not active yet", Mark.UNDERWAY
    """It has never sealed."""
    RETIRED = "retired", "Retired", Mark.ENDED
    """Its secret is deleted."""
    LOST = "lost", "Lost", Mark.PROBLEM
    """Values need it, and the ring does not have it."""


@dataclass(frozen=True, slots=True)
class RingKey:
    """A key of the ring without its secret. `id` has 16 hexadecimal digits."""

    id: str
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None
    active: bool

    @property
    def state(self) -> KeyState:
        """What it is used for."""
        if self.retired_at is not None:
            return KeyState.RETIRED
        if self.active:
            return KeyState.SEALS
        return KeyState.WAITS if self.activated_at is None else KeyState.OPENS


class KeyRing(Protocol):
    """Wraps data keys, and computes MACs for look-ups, with keys that never leave the ring.

    Every method raises `KeyRingUnavailable` if the ring cannot be reached.
    """

    def list_keys(self) -> list[RingKey]:
        """Return all keys, oldest first, including retired ones."""

    def active_id(self) -> str:
        """Return the id of the active key, which wraps."""

    def wrap(self, data_key: bytes, authenticated: bytes) -> tuple[str, bytes]:
        """Return the active key's id, and `data_key` wrapped by it."""

    def unwrap(self, key_id: str, wrapped: bytes, authenticated: bytes) -> bytes:
        """Return the data key. Raises `KeyLost`, or `DecryptionFailed` if this key did not wrap
        it."""

    def mac(self, message: bytes) -> bytes:
        """Return 32 bytes that only the ring can compute. Rotation does not change them."""

    def generate(self) -> RingKey:
        """Add a key that does not wrap yet; the first key of a ring is active at once."""

    def activate(self, key_id: str) -> None:
        """Make this key the active one. Raises `KeyLost`."""

    def retire(self, key_id: str) -> None:
        """Delete the key's secret and keep its record. Raises `KeyLost`, or `KeyInUse` for the
        active key."""
