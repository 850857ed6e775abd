"""Statuses change by declared steps only."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Status = TypeVar("Status", bound=StrEnum)


class UndeclaredStep(Exception):
    """The program tried a step that nobody declared: a defect, not a refusal."""


@dataclass(frozen=True)
class Steps(Generic[Status]):
    """From each status to those that may follow it; a status without any is an end.

    `transition` is called with the row locked, and its result is written in the same transaction.
    """

    following: Mapping[Status, AbstractSet[Status]]

    def transition(self, old: Status, new: Status) -> Status:
        """`new`, if the step is declared. Raises `UndeclaredStep` otherwise."""
        if new not in self.following.get(old, frozenset()):
            raise UndeclaredStep(f"{type(new).__name__} does not go from {old} to {new}")
        return new

    def is_end(self, status: Status) -> bool:
        """Whether nothing can follow."""
        return not self.following.get(status)
