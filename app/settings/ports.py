"""What the settings are read from."""

from typing import Protocol, TypeVar

from app.kit.db import Session

GroupT = TypeVar("GroupT")


class CurrentSettings(Protocol):
    """The settings that are in effect."""

    def current(self, session: Session, group: type[GroupT]) -> GroupT:
        """Return the group with the values that are in effect now."""
        ...
