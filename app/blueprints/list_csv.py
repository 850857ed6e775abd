"""The CSV of a list: the columns and rows of the page, with exact values."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from app.access import Actor
from app.blueprints import list_view, lists
from app.blueprints.list_cells import cell_text
from app.blueprints.lists import Column
from app.kit.db import Session
from app.kit.list_query import fetch_all
from app.kit.money import Amount
from app.lists import queries as lists_queries


class CsvLists:
    """The port of the room of lists (lists/ports.py)."""

    def lines(
        self, session: Session, actor: Actor, list_name: str, query: str
    ) -> Iterator[list[str]]:
        """Yield the heading and every matching row; none for a search that has become invalid,
        such as one for a person who was erased."""
        page = lists.find(list_name, actor).page
        search = list_view.parse_search(page, session, actor, list_view.parse_query(query))
        columns = list_view.shown_columns(
            page, lists_queries.get_settings(session, actor, page.name)
        )
        source = page.source(session, actor)
        rows = (
            [] if search.problems else list(fetch_all(session, source, search.values, search.sort))
        )
        names = list_view.people_names(session, columns, rows)
        amounts = {column.name for column in columns if _has_amounts(column, rows)}
        yield [label for column in columns for label in _csv_heading(column, amounts)]
        for row in rows:
            yield [text for column in columns for text in _csv_cells(column, row, amounts, names)]


def _has_amounts(column: Column[Any], rows: Sequence[Any]) -> bool:
    return any(isinstance(column.value(row), Amount) for row in rows)


def _csv_heading(column: Column[Any], amounts: AbstractSet[str]) -> list[str]:
    return [column.label, "Asset"] if column.name in amounts else [column.label]


def _csv_cells(
    column: Column[Any], row: Any, amounts: AbstractSet[str], names: Mapping[UUID, str]
) -> list[str]:
    value = column.value(row)
    if isinstance(value, Amount):
        return [str(value), value.asset.code]
    text = cell_text(value, names)
    return [text, ""] if column.name in amounts else [text]
