"""The tree of categories, as pure functions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from app.kit.errors import Invalid

_NAME_LENGTH_MAX = 60


def clean_name(text: str) -> str:
    """Return the name without blanks around it. Raises `Invalid` for another length."""
    name = text.strip()
    if not 0 < len(name) <= _NAME_LENGTH_MAX or not name.isprintable():
        raise Invalid("name", f"Enter a name (1 to {_NAME_LENGTH_MAX} characters).")
    return name


class Node(Protocol):
    """A row of a tree."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def parent_id(self) -> UUID | None:
        """The id of the row above, or None at the top."""


NodeT = TypeVar("NodeT", bound=Node)


def walk(rows: Sequence[NodeT]) -> Iterator[tuple[NodeT, ...]]:
    """Yield the path to each row from the top, each before those below it. Rows of one parent keep
    their order."""
    below: Mapping[UUID | None, list[NodeT]] = defaultdict(list)
    for row in rows:
        below[row.parent_id].append(row)

    def descend(above: tuple[NodeT, ...], parent_id: UUID | None) -> Iterator[tuple[NodeT, ...]]:
        for row in below.get(parent_id, ()):
            path = (*above, row)
            yield path
            yield from descend(path, row.id)

    yield from descend((), None)
