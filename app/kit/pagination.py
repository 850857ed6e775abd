"""Cursor paging by id: UUIDv7 sorts by time, so a page's last id says where the next one begins."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from app.kit.errors import Invalid

Item = TypeVar("Item")

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some of a list, newest first. `next_cursor` is None on the last page."""

    data: list[Item]
    next_cursor: str | None


def paginate(items: Sequence[Item], limit: int, id_of: Callable[[Item], UUID]) -> Page[Item]:
    """The page out of up to `limit` + 1 items: the one too many says that there is more."""
    data = list(items[:limit])
    return Page(data, encode_cursor(id_of(data[-1])) if len(items) > limit else None)


def page_arguments(query: Mapping[str, Any]) -> dict[str, Any]:
    """The `limit` and `before` of a list asked for by limit and cursor. Raises `Invalid`."""
    cursor = query.get("cursor")
    before = decode_cursor(cursor) if cursor is not None else None
    return {"limit": query["limit"], "before": before}


def encode_cursor(identifier: UUID) -> str:
    """An opaque text, safe in a query string."""
    return base64.urlsafe_b64encode(identifier.bytes).rstrip(b"=").decode("ascii")


def decode_cursor(text: str) -> UUID:
    """The id behind a cursor. Raises `Invalid` for a text that `encode_cursor` cannot have made."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"==")
    except ValueError:
        raw = b""
    if len(raw) != _ID_BYTES or encode_cursor(UUID(bytes=raw)) != text:
        raise Invalid("cursor", "Send the nextCursor of an earlier response, unchanged.")
    return UUID(bytes=raw)
