"""The search over everything, in two round trips."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from app.access import Actor, Permission
from app.helpdesk.search import rules
from app.helpdesk.search.rules import (
    RESULTS_MAX,
    ResultKind,
    SearchGroup,
    SearchResult,
    SearchText,
)
from app.helpdesk.search.sources import SOURCES
from app.identity.accounts import people
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.statements import CompiledSelect, among, compile_select
from app.settings.rules import list_settings


def search(session: Session, actor: Actor, typed: str) -> Sequence[SearchGroup]:
    """Return what this actor may see of what the text may mean, by kind: of each kind exact results
    first, then the latest, `RESULTS_MAX` at most. The kinds with exact results come first."""
    text = rules.parse_text(typed)
    asked = [
        (source, rows, _compile(rows, conditions))
        for source in SOURCES
        if source.permission in actor.permissions
        and (rows := source.rows(actor)) is not None
        and (conditions := [each for each in source.matches(text) if each is not None])
    ]
    found = session.fetch(*(select.statement for _, _, select in asked)) if asked else []
    results = [
        source.result(text, rows.row(**select.read(columns)))
        for (source, rows, select), each in zip(asked, found, strict=True)
        for columns in each
    ]
    if Permission.SETTINGS_READ in actor.permissions:
        results.extend(_find_settings(text))
    return _group(_name_people(session, results))


def _compile(rows: ListSource[Any], conditions: Sequence[sa.ColumnElement[bool]]) -> CompiledSelect:
    keys = rows.select.with_only_columns(rows.key, maintain_column_froms=True)
    wanted = rows.select.where(among(rows.key, keys.where(sa.or_(*conditions))))
    return compile_select(wanted.order_by(rows.key.desc()).limit(RESULTS_MAX))


def _find_settings(text: SearchText) -> Iterator[SearchResult]:
    for setting in list_settings():
        if rules.is_named(text, f"{setting.name} {setting.declared.label}"):
            yield SearchResult(
                ResultKind.SETTING,
                setting.name,
                setting.declared.label,
                setting.name,
                is_exact=text.lower == setting.name,
            )


def _name_people(session: Session, results: Sequence[SearchResult]) -> Sequence[SearchResult]:
    ids = {result.person_id for result in results if result.person_id is not None}
    names = people.get_names(session, ids) if ids else {}
    return [
        replace(result, person=names.get(result.person_id, "")) if result.person_id else result
        for result in results
    ]


def _group(results: Sequence[SearchResult]) -> Sequence[SearchGroup]:
    groups = [
        SearchGroup(kind, sorted(of_kind, key=lambda result: not result.is_exact)[:RESULTS_MAX])
        for kind in ResultKind
        if (of_kind := [result for result in results if result.kind is kind])
    ]
    return sorted(groups, key=lambda group: not group.results[0].is_exact)
