"""Statuses change by declared steps only."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Status = TypeVar("Status", bound=StrEnum)


class UndeclaredTransition(Exception):
    """The program tried a step that nobody declared: a defect, not a refusal."""


@dataclass(frozen=True)
class Transitions(Generic[Status]):
    """From each status to those that may follow it; a status without any is an end.

    `transition` is called with the row locked, and its result is written in the same transaction.
    """

    next_statuses: Mapping[Status, AbstractSet[Status]]

    def transition(self, old: Status, new: Status) -> Status:
        """`new`, if the step is declared. Raises `UndeclaredTransition` otherwise."""
        if new not in self.next_statuses.get(old, frozenset()):
            raise UndeclaredTransition(f"{type(new).__name__} does not go from {old} to {new}")
        return new

    def is_final(self, status: Status) -> bool:
        """Whether nothing can follow."""
        return not self.next_statuses.get(status)
