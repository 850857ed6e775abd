"""Lists: a room declares once what can be filtered and sorted, and pages come from one mechanism.

Paging is by key set: a cursor holds the sort value and the key of the row at the edge of a page, so
a page costs the same wherever it is, and rows that arrive meanwhile move nothing. A sort is an
expression that is never NULL and that an index serves, or whose table is small.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.pagination import IdentifiedT, Page, paginate
from app.kit.pipeline import Row, Statement
from app.kit.statements import AnySelect, CompiledSelect, compile_select

RowT = TypeVar("RowT")

#: A column of a model, or an expression of some.
ListColumn = sa.ColumnElement[Any] | InstrumentedAttribute[Any]

#: Matching rows are counted up to here; beyond, the count would cost more than the page.
COUNT_MAX = 1_000
_BATCH = 500
_AFTER, _BEFORE = "after", "before"


@dataclass(frozen=True, slots=True)
class ListSource(Generic[RowT]):
    """What a room lists: a statement, and the filters and sorts that it allows by name.

    `row` makes a row of the columns of `select`: a dataclass with these fields, or a function.
    `key` is unique and breaks ties. A filter makes a condition of a value of the type that the
    page's filter parses.
    """

    row: Callable[..., RowT]
    select: AnySelect
    key: ListColumn
    sorts: Mapping[str, ListColumn]
    filters: Mapping[str, Callable[[Any], sa.ColumnElement[bool]]]

    def where(self, *conditions: sa.ColumnElement[bool]) -> "ListSource[RowT]":
        """Return the source restricted to rows that meet the conditions."""
        return replace(self, select=self.select.where(*conditions))


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A search of a list. `sort` is a name of the source's sorts, `-` in front means descending."""

    filters: Mapping[str, object]
    sort: str
    cursor: str | None = None
    limit: int = 25


@dataclass(frozen=True, slots=True)
class ListResult(Generic[RowT]):
    """A page of a list, with cursors to its neighbours and the count of all matching rows.

    `count` is at most `COUNT_MAX`; more rows may match if `is_count_capped`.
    """

    rows: list[RowT]
    count: int
    previous_cursor: str | None
    next_cursor: str | None

    @property
    def is_count_capped(self) -> bool:
        """Whether more than `count` rows may match."""
        return self.count >= COUNT_MAX


def fetch_page(session: Session, source: ListSource[RowT], query: ListQuery) -> ListResult[RowT]:
    """Return one page and the count, in one round trip.

    Raises `Invalid` naming `cursor` for a cursor that this list and sort did not return.
    """
    select = _filtered(source, query.filters)
    cursor = _decode_cursor(query.cursor, source, query.sort) if query.cursor else None
    page, count = compile_select(_page_select(source, select, query, cursor)), _count_select(select)
    found, [(total,)] = session.fetch(page.statement, compile_select(count).statement)
    # One row more than the page was read: it tells whether the list goes on.
    edges, rows = _split(source.row, page, found)
    edges, rows, goes_on = edges[: query.limit], rows[: query.limit], len(rows) > query.limit
    if cursor is not None and cursor.side == _BEFORE:
        edges.reverse()
        rows.reverse()
        has_previous, has_next = goes_on, True
    else:
        has_previous, has_next = cursor is not None, goes_on
    return ListResult(
        rows,
        total,
        _Cursor(query.sort, _BEFORE, *edges[0]).encode() if has_previous and edges else None,
        _Cursor(query.sort, _AFTER, *edges[-1]).encode() if has_next and edges else None,
    )


def fetch_first_pages(
    session: Session, *lists: tuple[ListSource[Any], ListQuery]
) -> list[tuple[list[Any], bool]]:
    """Return the rows of the first page of each list, and whether the list goes on, all in one
    round trip."""
    pages = [
        compile_select(_page_select(source, _filtered(source, query.filters), query, None))
        for source, query in lists
    ]
    found = session.fetch(*(page.statement for page in pages)) if pages else []
    results = []
    for (source, query), page, rows in zip(lists, pages, found, strict=True):
        _edges, made = _split(source.row, page, rows)
        results.append((made[: query.limit], len(made) > query.limit))
    return results


def fetch_following(
    session: Session, source: ListSource[RowT], query: ListQuery, *others: Statement
) -> tuple[Page[RowT], list[list[Row]]]:
    """Return a page of the API, and the rows of the other statements, in one round trip.

    Raises `Invalid` naming `cursor` for a cursor that this list and sort did not return.
    """
    select = _filtered(source, query.filters)
    cursor = _decode_cursor(query.cursor, source, query.sort) if query.cursor else None
    page = compile_select(_page_select(source, select, query, _following(cursor)))
    found, *rest = session.fetch(page.statement, *others)
    return _page(source.row, page, found, query.sort, query.limit), rest


#: Parameters of a `PreparedPage`: how many rows it reads, and the edge that it follows.
PAGE_ROWS = sa.bindparam("page_rows", type_=sa.Integer)
AFTER_KEY = sa.bindparam("after_key", type_=sa.Text)


@dataclass(frozen=True, slots=True)
class PreparedPage(Generic[RowT]):
    """A statement of pages of the API, compiled once, of rows in the order of `sort`.

    Its select has the columns `_sort` and `_key`, reads `PAGE_ROWS` rows and, if it `follows`
    another page, those behind the edge `after_sort`, `AFTER_KEY`.
    """

    row: Callable[..., RowT]
    select: CompiledSelect
    sort: str


def decode_edge(text: str, sort: str, sort_type: type, key_type: type) -> Mapping[str, Any]:
    """Return the edge of a cursor as values of `after_sort` and `after_key`.

    Raises `Invalid` naming `cursor` for one that pages of this sort did not return.
    """
    cursor = _decode(text, sort, sort_type, key_type)
    _following(cursor)
    return {"after_sort": cursor.value, "after_key": cursor.key}


def fetch_prepared(
    session: Session,
    page: PreparedPage[RowT],
    limit: int,
    values: Mapping[str, Any],
    *others: Statement,
) -> tuple[Page[RowT], list[list[Row]]]:
    """Return a page, and the rows of the other statements, in one round trip. `values` has those of
    all parameters but `PAGE_ROWS`."""
    # One row more than the page: it tells whether the list goes on.
    statement = page.select.with_values({**values, "page_rows": limit + 1})
    found, *rest = session.fetch(statement, *others)
    return _page(page.row, page.select, found, page.sort, limit), rest


def _following(cursor: "_Cursor | None") -> "_Cursor | None":
    if cursor is not None and cursor.side == _BEFORE:
        raise Invalid("cursor", "Send the nextCursor of an earlier response, unchanged.")
    return cursor


def _page(
    row: Callable[..., RowT], select: CompiledSelect, found: list[Row], sort: str, limit: int
) -> Page[RowT]:
    edges, rows = _split(row, select, found)
    last = edges[limit - 1] if len(rows) > limit else None
    next_cursor = None if last is None else _Cursor(sort, _AFTER, *last).encode()
    return Page(rows[:limit], next_cursor)


def fetch_all(
    session: Session, source: ListSource[RowT], filters: Mapping[str, object], sort: str
) -> Iterator[RowT]:
    """Yield every matching row in order, reading a few hundred at a time."""
    select = _filtered(source, filters)
    query, cursor = ListQuery(filters, sort, limit=_BATCH - 1), None
    while True:
        page = compile_select(_page_select(source, select, query, cursor))
        edges, rows = _split(source.row, page, session.fetch(page.statement)[0])
        yield from rows
        if len(rows) < _BATCH:
            return
        cursor = _Cursor(sort, _AFTER, *edges[-1])


def fetch_by_ids(
    session: Session, source: ListSource[RowT], identifiers: list[UUID], sort: str
) -> list[RowT]:
    """Return the rows with these keys that the source allows, in the order of the sort."""
    select = source.select.where(source.key.in_(identifiers))
    query = ListQuery({}, sort, limit=len(identifiers))
    page = compile_select(_page_select(source, select, query, None))
    return _split(source.row, page, session.fetch(page.statement)[0])[1]


def fetch_newest(
    session: Session,
    row: Callable[..., IdentifiedT],
    select: AnySelect,
    key: ListColumn,
    *,
    limit: int,
    before: UUID | None,
) -> Page[IdentifiedT]:
    """Return a page of the API: the newest rows, or those before a key, as `row` makes them."""
    if before is not None:
        select = select.where(key < before)
    rows = session.select(row, select.order_by(key.desc()).limit(limit + 1))
    return paginate(rows, limit, lambda item: item.id)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The edge of a page; the next one lies after it in the order, the previous one before it."""

    sort: str
    side: str
    value: Any
    key: Any

    def encode(self) -> str:
        value = self.value.isoformat() if isinstance(self.value, date) else self.value
        content = [self.sort, self.side, value, self.key]
        text = json.dumps(content, separators=(",", ":"), default=str)
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode("ascii")


def _decode_cursor(text: str, source: ListSource[Any], sort: str) -> _Cursor:
    sort_type = source.sorts[sort.removeprefix("-")].type.python_type
    return _decode(text, sort, sort_type, source.key.type.python_type)


def _decode(text: str, sort: str, sort_type: type, key_type: type) -> _Cursor:
    try:
        content = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=="))
        sorted_by, side, value, key = content
        cursor = _Cursor(sorted_by, side, _PARSERS[sort_type](value), _PARSERS[key_type](key))
    except (ValueError, TypeError, AttributeError):
        cursor = None
    if cursor is None or cursor.sort != sort or cursor.side not in {_AFTER, _BEFORE}:
        raise Invalid("cursor", "Open the list again: this page has moved.")
    return cursor


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError
    return value


#: How a value is read from a cursor, by the type of its column.
_PARSERS: Mapping[type, Callable[[Any], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    UUID: UUID,
    str: _text,
    int: _integer,
}


def _filtered(source: ListSource[Any], filters: Mapping[str, object]) -> AnySelect:
    conditions = [source.filters[name](value) for name, value in filters.items()]
    return source.select.where(*conditions)


def _page_select(
    source: ListSource[Any], select: AnySelect, query: ListQuery, cursor: _Cursor | None
) -> AnySelect:
    expression = source.sorts[query.sort.removeprefix("-")]
    is_descending = query.sort.startswith("-")
    if cursor is not None:
        is_descending ^= cursor.side == _BEFORE
        edge = sa.tuple_(
            sa.literal(cursor.value, expression.type), sa.literal(cursor.key, source.key.type)
        )
        position = sa.tuple_(expression, source.key)
        select = select.where(position < edge if is_descending else position > edge)
    ordered = [each.desc() if is_descending else each.asc() for each in (expression, source.key)]
    return (
        select.add_columns(expression.label("_sort"), source.key.label("_key"))
        .order_by(*ordered)
        .limit(query.limit + 1)
    )


def _count_select(select: AnySelect) -> AnySelect:
    # Without a filter, only the columns say which table the rows are in.
    ones = select.with_only_columns(sa.literal(1), maintain_column_froms=True)
    capped = ones.order_by(None).limit(COUNT_MAX).subquery()
    return sa.select(sa.func.count()).select_from(capped)


def _split(
    row: Callable[..., RowT], page: CompiledSelect, found: list[Row]
) -> tuple[list[tuple[Any, Any]], list[RowT]]:
    """Return for each row its edge (sort value and key), and the row itself."""
    values = [page.read(columns) for columns in found]
    edges = [(value.pop("_sort"), value.pop("_key")) for value in values]
    return edges, [row(**value) for value in values]
