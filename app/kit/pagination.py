"""Cursor pagination by id: UUIDv7 sorts by time, so the next page begins after a page's last id."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from app.kit.errors import Invalid


class Identified(Protocol):
    """An item of a page."""

    @property
    def id(self) -> UUID:
        """Its id, which sorts by time."""


Item = TypeVar("Item")
IdentifiedT = TypeVar("IdentifiedT", bound=Identified)

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page of a list, newest first. `next_cursor` is None on the last page."""

    data: list[Item]
    next_cursor: str | None


def paginate(items: Sequence[Item], limit: int, id_of: Callable[[Item], UUID]) -> Page[Item]:
    """Return the page of up to `limit` items; an item beyond `limit` means there is a next page."""
    data = list(items[:limit])
    return Page(data, encode_cursor(id_of(data[-1])) if len(items) > limit else None)


def page_arguments(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return `limit` and `before` from a query with limit and cursor. Raises `Invalid`."""
    cursor = query.get("cursor")
    before = decode_cursor(cursor) if cursor is not None else None
    return {"limit": query["limit"], "before": before}


def encode_cursor(identifier: UUID) -> str:
    """Return an opaque text that is safe in a query string."""
    return base64.urlsafe_b64encode(identifier.bytes).rstrip(b"=").decode("ascii")


def decode_cursor(text: str) -> UUID:
    """Return the id in a cursor. Raises `Invalid` for a text that is not a cursor."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"==")
    except ValueError:
        raw = b""
    if len(raw) != _ID_BYTES or encode_cursor(UUID(bytes=raw)) != text:
        raise Invalid("cursor", "Send the nextCursor of an earlier response, unchanged.")
    return UUID(bytes=raw)
