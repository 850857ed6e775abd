"""Where the head of the chain is kept: outside the database that it vouches for."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Anchor:
    """A day's latest head of the chain, signed. Each field as text, as it is signed."""

    day: str
    position: int
    record_id: str
    sealed_at: str
    key_id: str
    digest: str
    signature: str


class UnreadableAnchor(ValueError):
    """An anchor is there and cannot be read: `name` says which."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the anchor {name} cannot be read")


class AnchorStore(Protocol):
    """One anchor a day; those of days that are over never change."""

    def store(self, anchor: Anchor) -> None:
        """Keep it in place of the same day's; whole or not at all."""

    def latest(self) -> Anchor | None:
        """The one of the latest day. Raises `UnreadableAnchor`."""

    def names(self) -> list[str]:
        """The names of all there are, oldest first."""

    def read(self, name: str) -> Anchor:
        """One of them. Raises `UnreadableAnchor`."""
