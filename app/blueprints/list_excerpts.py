"""Excerpts of declared lists: the newest rows about one thing, on the page of that thing."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import url_for

from app.access import Actor
from app.blueprints import list_view, lists
from app.blueprints.lists import Column, ListPage, Registered
from app.kit.db import Session
from app.kit.list_query import ListQuery, fetch_first_pages

_ROWS = 10
#: A column of the person whom the page is about.
_OF_THE_PAGE = frozenset({"customer"})


@dataclass(frozen=True, slots=True)
class ListExcerpt:
    """Rows of a list as a page shows them. `more_url` is None if there are no more."""

    page: ListPage[Any]
    columns: Sequence[Column[Any]]
    rows: Sequence[Any]
    figures: AbstractSet[str]
    names: Mapping[UUID, str]
    links_rows: bool
    more_url: str | None

    def row_url(self, row: Any) -> str | None:
        """Return the URL of the row's page, None for a row without one."""
        return self.page.row_url(row) if self.page.row_url and self.links_rows else None


def open_excerpts(
    session: Session,
    actor: Actor,
    list_names: Sequence[str],
    found_by: str,
    value: object,
    *,
    more: Mapping[str, str],
) -> list[ListExcerpt]:
    """Return the newest rows of each of these lists that its source finds by this filter; of those
    lists that the actor may open. `more` is the search of their pages for the same rows."""
    known = [lists.find_known(name) for name in list_names]
    opened = [each for each in known if each.permission in actor.permissions]
    found = fetch_first_pages(
        session,
        *(
            (
                each.page.source(session, actor),
                ListQuery({found_by: value}, each.page.default_sort, limit=_ROWS),
            )
            for each in opened
        ),
    )
    return [
        _excerpt(session, actor, registered, rows, more if goes_on else None)
        for registered, (rows, goes_on) in zip(opened, found, strict=True)
    ]


def _excerpt(
    session: Session,
    actor: Actor,
    registered: Registered,
    rows: Sequence[Any],
    more: Mapping[str, str] | None,
) -> ListExcerpt:
    page = registered.page
    shown = (column for column in page.columns if not column.is_hidden)
    columns = [column for column in shown if column.name not in _OF_THE_PAGE]
    more_url = None
    if more is not None:
        more_url = f"{url_for(registered.endpoint)}?{list_view.seal_query(page, more)}"
    return ListExcerpt(
        page,
        columns,
        rows,
        list_view.figure_columns(columns, rows),
        list_view.people_names(session, columns, rows),
        page.row_permission is None or page.row_permission in actor.permissions,
        more_url,
    )
