"""Status changes, limited to declared transitions."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Status = TypeVar("Status", bound=StrEnum)


class UndeclaredTransition(Exception):
    """An undeclared transition was attempted: a programming error, not a refusal."""


@dataclass(frozen=True)
class Transitions(Generic[Status]):
    """The statuses that may follow each status. A status without a next one is final.

    Call `transition` with the row locked, and write its result in the same transaction.
    """

    next_statuses: Mapping[Status, AbstractSet[Status]]

    def allows(self, old: Status, new: Status) -> bool:
        """Return whether `new` may follow `old`."""
        return new in self.next_statuses.get(old, frozenset())

    def transition(self, old: Status, new: Status) -> Status:
        """Return `new`. Raises `UndeclaredTransition` unless `new` may follow `old`."""
        if not self.allows(old, new):
            raise UndeclaredTransition(f"{type(new).__name__} does not go from {old} to {new}")
        return new

    def is_final(self, status: Status) -> bool:
        """Return whether no status can follow."""
        return not self.next_statuses.get(status)
