"""The port that stores the head of the chain outside the database that it vouches for."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Anchor:
    """The latest signed head of the chain of one day. Fields are texts, as they are signed."""

    day: str
    position: int
    record_id: str
    sealed_at: str
    key_id: str
    digest: str
    signature: str


class UnreadableAnchor(ValueError):
    """A stored anchor cannot be read. `name` says which one."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"The anchor {name} cannot be read.")


class AnchorStore(Protocol):
    """Stores one anchor a day. Anchors of past days never change."""

    def store(self, anchor: Anchor) -> None:
        """Replace the anchor of the same day, atomically."""

    def latest(self) -> Anchor | None:
        """Return the anchor of the latest day, or None. Raises `UnreadableAnchor`."""

    def names(self) -> list[str]:
        """Return the names of all anchors, oldest first."""

    def read(self, name: str) -> Anchor:
        """Return the anchor of this name. Raises `UnreadableAnchor`."""
