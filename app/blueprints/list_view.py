"""One opened list: its search, its rows, and what the template shows of it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from app.access import Actor, Role
from app.blueprints import lists, searches
from app.blueprints.list_cells import cell_text
from app.blueprints.lists import (
    BulkAction,
    BulkStart,
    Column,
    Filter,
    ListPage,
    Options,
    PersonCell,
    RowT,
)
from app.identity.accounts import people
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.formatting import format_count, format_number_of
from app.kit.list_query import ListQuery, ListResult, fetch_page
from app.kit.money import Amount
from app.lists import queries as lists_queries
from app.lists.queries import ListSettings, SavedView

Arguments = Mapping[str, str]

_SORT, _CURSOR = "sort", "cursor"


@dataclass(frozen=True, slots=True)
class Search:
    """What a person searches for: texts as typed and chosen, values as the source takes them."""

    texts: Mapping[str, str]
    values: Mapping[str, object]
    problems: Mapping[str, str]
    #: The values to choose from, of each filter.
    options: Mapping[str, Options | None]
    sort: str
    cursor: str | None

    @property
    def query(self) -> str:
        """The search as a query string in plain text, without the position in the list. It is
        stored, and is part of no URL."""
        return urlencode({**self.texts, _SORT: self.sort})

    def refuse_problems(self) -> None:
        """Raise `Invalid` naming the first filter with a problem, if any."""
        for name, message in self.problems.items():
            raise Invalid(name, message)


@dataclass(frozen=True, slots=True)
class ListView(Generic[RowT]):
    """Everything that the template of a list shows."""

    page: ListPage[RowT]
    search: Search
    result: ListResult[RowT] | None
    columns: list[Column[RowT]]
    settings: ListSettings
    views: list[SavedView]
    names: Mapping[UUID, str]
    #: The names of the columns that are aligned to the right.
    figures: AbstractSet[str]
    actions: list[BulkAction | BulkStart]
    actor_id: UUID
    endpoint: str
    #: Whether the person may open the pages of the rows.
    links_rows: bool

    @property
    def act_endpoint(self) -> str:
        """The endpoint to which bulk actions are sent."""
        return f"{self.endpoint.partition('.')[0]}.act_on_{self.page.name}"

    def cells(self, row: RowT) -> list[tuple[Column[RowT], object]]:
        """Return the row's value of each shown column."""
        return [(column, column.value(row)) for column in self.columns]

    def row_url(self, row: RowT) -> str | None:
        """Return the URL of the row's page, None for a row without one."""
        return self.page.row_url(row) if self.page.row_url and self.links_rows else None

    def row_name(self, row: RowT) -> str:
        """Return what the row is called: the text of its first cell."""
        return cell_text(self.page.columns[0].value(row), self.names)

    @property
    def action_buttons(self) -> Options:
        """Return what can be done with selected rows, and with every row that was found."""
        buttons = []
        for action in self.actions:
            buttons.append((action.name, action.label))
            if isinstance(action, BulkStart):
                buttons.append((f"{action.name}:all", action.all_label))
        return buttons

    @property
    def share_options(self) -> Options:
        """Return with whom a view can be shared."""
        staff = (role for role in Role if role is not Role.USER)
        return [("", "Only me"), *((role.value, role.label) for role in staff)]

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Label, value and the query without it, for each filter in use."""
        return [
            (
                each.label,
                each.describe(self.search.texts[each.name], self.search.options[each.name]),
                self._query({each.name: ""}),
            )
            for each in self.page.filters
            if self.search.texts[each.name]
        ]

    @property
    def is_filtered(self) -> bool:
        """Whether any filter is in use, apart from those that are set at first."""
        texts = self.search.texts
        return any(texts[each.name] not in {"", each.default} for each in self.page.filters)

    @property
    def count_text(self) -> str:
        """How many rows match."""
        count = self.result.count if self.result is not None else 0
        is_capped = self.result is not None and self.result.is_count_capped
        return f"{format_count(count)}+ rows" if is_capped else format_number_of(count, "row")

    def sort_query(self, column: Column[RowT]) -> str:
        """Return the query that sorts by the column, or the other way round if it already does."""
        is_ascending = self.search.sort == column.sort
        return self._query({_SORT: f"-{column.sort}" if is_ascending else f"{column.sort}"})

    def sort_state(self, column: Column[RowT]) -> str:
        """Return the value of `aria-sort`."""
        if self.search.sort.removeprefix("-") != column.sort:
            return "none"
        return "descending" if self.search.sort.startswith("-") else "ascending"

    @property
    def query(self) -> str:
        """The query of the first page, as in a URL."""
        return self._query({})

    @property
    def open_query(self) -> str:
        """The query of the open page itself."""
        return self.cursor_query(self.search.cursor) if self.search.cursor else self.query

    def view_query(self, saved: SavedView) -> str:
        """Return the query of a saved view, as in a URL."""
        return seal_query(self.page, parse_query(saved.query))

    def cursor_query(self, cursor: str) -> str:
        """Return the query of the page at this cursor."""
        return self._query({_CURSOR: cursor})

    def _query(self, changes: Mapping[str, str]) -> str:
        return seal_query(self.page, {**self.search.texts, _SORT: self.search.sort, **changes})


def parse_search(
    page: ListPage[Any], session: Session, actor: Actor, arguments: Arguments
) -> Search:
    """Return the search of these parameters, sealed or not. What is wrong with them is in
    `problems`. Raises `NotFound` for a cursor that no link of this list has."""
    texts: dict[str, str] = {}
    values: dict[str, object] = {}
    problems: dict[str, str] = {}
    options = {each.name: each.options(session, actor) for each in page.filters}
    for each in page.filters:
        texts[each.name] = ""
        try:
            texts[each.name] = text = _read_text(page, each, arguments)
            if text:
                values[each.name] = each.parse(session, actor, text, options[each.name])
        except Invalid as refusal:
            problems[each.name] = refusal.message
    sort = arguments.get(_SORT, page.default_sort)
    if sort.removeprefix("-") not in {column.sort for column in page.columns} - {None}:
        sort = page.default_sort
    try:
        cursor = searches.open_text(lists.endpoint_of(page), _CURSOR, arguments.get(_CURSOR, ""))
    except Invalid:
        raise NotFound from None
    return Search(texts, values, problems, options, sort, cursor or None)


def _read_text(page: ListPage[Any], each: Filter, arguments: Arguments) -> str:
    text = arguments.get(each.name, each.default)
    if each.is_typed:
        text = searches.open_text(lists.endpoint_of(page), each.name, text)
    return text[: searches.TEXT_LENGTH_MAX].strip()


def seal_query(page: ListPage[Any], arguments: Arguments) -> str:
    """Return a search in plain text as the query string of a URL, with what was typed sealed. A
    cursor holds a value of its row, which may be an email address: it is sealed too."""
    sealed = {each.name for each in page.filters if each.is_typed} | {_CURSOR}
    endpoint = lists.endpoint_of(page)
    return urlencode(
        {
            name: searches.seal_text(endpoint, name, text) if name in sealed else text
            for name, text in arguments.items()
        }
    )


def parse_query(query: str) -> dict[str, str]:
    """Return the parameters of a query string. Raises `Invalid` for one with too many."""
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise Invalid("query", "Remove some filters: this search is too long.") from None


def open_list(
    page: ListPage[RowT], session: Session, actor: Actor, arguments: Arguments
) -> ListView[RowT]:
    """Return one page of the list for these parameters of the URL.

    Raises `NotFound` for a cursor that is not of this list.
    """
    search = parse_search(page, session, actor, arguments)
    result = None
    if not search.problems:
        query = ListQuery(search.values, search.sort, search.cursor)
        try:
            result = fetch_page(session, page.source(session, actor), query)
        except Invalid:
            raise NotFound from None
    settings = lists_queries.get_settings(session, actor, page.name)
    columns = shown_columns(page, settings)
    rows = result.rows if result is not None else []
    return ListView(
        page,
        search,
        result,
        columns,
        settings,
        lists_queries.list_views(session, actor, page.name),
        people_names(session, columns, rows),
        figure_columns(columns, rows),
        [action for action in page.bulk_actions if action.permission in actor.permissions],
        actor.user_id,
        lists.endpoint_of(page),
        page.row_permission is None or page.row_permission in actor.permissions,
    )


def figure_columns(columns: Sequence[Column[RowT]], rows: Sequence[RowT]) -> AbstractSet[str]:
    """Return the names of the columns that are aligned to the right."""
    return {column.name for column in columns if _is_figure(column, rows)}


def _is_figure(column: Column[RowT], rows: Sequence[RowT]) -> bool:
    return column.is_figure or any(
        isinstance(column.value(row), Amount | int | Decimal) for row in rows
    )


def shown_columns(page: ListPage[RowT], settings: ListSettings) -> list[Column[RowT]]:
    """Return the columns that the person sees; the first one always."""
    first, *others = page.columns
    if settings.columns is None:
        return [first, *(column for column in others if not column.is_hidden)]
    return [first, *(column for column in others if column.name in settings.columns)]


def people_names(
    session: Session, columns: Sequence[Column[RowT]], rows: Sequence[RowT]
) -> Mapping[UUID, str]:
    """Return the names of all people that the cells show."""
    values = (column.value(row) for row in rows for column in columns)
    person_ids = {
        value.person_id
        for value in values
        if isinstance(value, PersonCell) and value.person_id is not None
    }
    return people.get_names(session, person_ids) if person_ids else {}
