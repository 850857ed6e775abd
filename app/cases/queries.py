"""Named reads of cases, as typed rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import Actor, Permission
from app.cases import registry
from app.cases.rules import Happening, State
from app.cases.service import PREFIX
from app.keys import service as keys
from app.kit import ids, pagination
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.pagination import Page
from app.kit.pipeline import Row

_SELECT = """
SELECT id, kind, key, subject, person_id, title, state, assignee_id, opened_at, closed_at,
    closed_by, disposition
FROM cases WHERE
"""
_FACTS = "SELECT facts_sealed FROM cases WHERE id = %s"
# A nullable condition would hide the index of each filter, so only those that are asked are there.
_CONDITIONS = {
    "kind": "kind = %(kind)s",
    "state": "state = %(state)s",
    "assignee": "assignee_id = %(assignee)s",
    "person": "person_id = %(person)s",
    "cursor": "id < %(cursor)s",
}
_NOBODYS = "assignee_id IS NULL"
# As many steps as there are kinds, and not as there are cases.
_KINDS = """
WITH RECURSIVE known (kind) AS (
    SELECT min(kind) FROM cases
    UNION ALL
    SELECT (SELECT min(kind) FROM cases c WHERE c.kind > known.kind)
    FROM known WHERE known.kind IS NOT NULL
)
SELECT kind FROM known WHERE kind IS NOT NULL AND kind <> ALL(%s) ORDER BY kind
"""
_EVENTS = """
SELECT id, kind, actor_id, at, text_sealed, assignee_id, disposition FROM case_events
WHERE case_id = %s ORDER BY id
"""
_COUNT = """
SELECT kind, count(*) FROM cases
WHERE state = 'open' AND (assignee_id IS NULL OR assignee_id = %(actor)s)
    AND person_id IS DISTINCT FROM %(actor)s
GROUP BY kind
"""
_OPEN_ABOUT = "SELECT EXISTS (SELECT FROM cases WHERE person_id = %s AND state = 'open')"


@dataclass(frozen=True, slots=True)
class Case:
    """A case, without what it found."""

    id: UUID
    kind_name: str
    key: str
    subject: str
    person_id: UUID | None
    title: str
    state: State
    assignee_id: UUID | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: UUID | None
    disposition: str | None

    @property
    def public_id(self) -> str:
        """What it is called outside."""
        return ids.encode(PREFIX, self.id)

    @property
    def kind(self) -> registry.Kind:
        """What it has in common with others."""
        return registry.kind_named(self.kind_name)

    @property
    def outcome(self) -> str:
        """Its disposition in words; empty while it is open."""
        if self.disposition is None:
            return ""
        return self.kind.dispositions.get(self.disposition, self.disposition)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a case. `actor_id` is None for the program."""

    id: UUID
    kind: Happening
    actor_id: UUID | None
    at: datetime
    text: str
    assignee_id: UUID | None
    disposition: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which cases are wanted; None stands for any. `unassigned`: those that nobody looks into."""

    kind: str | None = None
    state: State | None = None
    assignee_id: UUID | None = None
    unassigned: bool = False
    person_id: UUID | None = None


def search(
    session: Session, actor: Actor, asked: Asked, *, cursor: UUID | None = None, limit: int = 25
) -> Page[Case]:
    """The cases that fit and that this actor may see, newest first."""
    values = {
        "kind": asked.kind,
        "state": asked.state,
        "assignee": asked.assignee_id,
        "person": asked.person_id,
        "cursor": cursor,
    }
    given = {name: value for name, value in values.items() if value is not None}
    conditions = ["kind <> ALL(%(hidden)s)", *(_CONDITIONS[name] for name in given)]
    if asked.unassigned:
        conditions.append(_NOBODYS)
    where = " AND ".join(conditions)
    statement = f"{_SELECT} {where} ORDER BY id DESC LIMIT {limit + 1}"
    rows = session.rows(statement, {**given, "hidden": registry.hidden_from(actor)})
    return pagination.paginate([_case(row) for row in rows], limit, lambda each: each.id)


def case(session: Session, actor: Actor, case_id: UUID) -> Case:
    """The case of that id. Raises `NotFound`, also for one that this actor may not see."""
    row = session.row(_SELECT + "id = %s", (case_id,))
    if row is None or (found := _case(row)).kind.read not in actor.permissions:
        raise NotFound
    return found


def facts(session: Session, case_id: UUID) -> Mapping[str, str]:
    """What a case was opened for: texts by name."""
    [(sealed,)] = session.rows(_FACTS, (case_id,))
    opened = keys.open_sealed(bytes(sealed), table="cases", column="facts_sealed", key=case_id)
    found: Mapping[str, str] = json.loads(opened)
    return found


def events(session: Session, case_id: UUID) -> list[Event]:
    """What happened to a case, oldest first."""
    return [_event(row) for row in session.rows(_EVENTS, (case_id,))]


def kinds(session: Session, actor: Actor) -> list[registry.Kind]:
    """The kinds of which there is a case that this actor may see."""
    rows = session.rows(_KINDS, (registry.hidden_from(actor),))
    return [registry.kind_named(name) for (name,) in rows]


def count_waiting_for(session: Session, actor: Actor) -> int:
    """How many open ones this actor could work on: their own, and those that nobody has."""
    if Permission.CASES_WORK not in actor.permissions:
        return 0
    rows = session.rows(_COUNT, {"actor": actor.user_id})
    return sum(
        count
        for kind, count in ((registry.kind_named(name), count) for name, count in rows)
        if kind.read in actor.permissions
    )


def is_open_about(session: Session, person_id: UUID) -> bool:
    """Whether something about this person is being looked into."""
    [(found,)] = session.rows(_OPEN_ABOUT, (person_id,))
    return bool(found)


def _case(row: Row) -> Case:
    identifier, kind, key, subject, person_id, title, state, *rest = row
    return Case(identifier, kind, key, subject, person_id, title, State(state), *rest)


def _event(row: Row) -> Event:
    identifier, kind, actor_id, at, sealed, assignee_id, disposition = row
    text = ""
    if sealed is not None:
        opened = keys.open_sealed(
            bytes(sealed), table="case_events", column="text_sealed", key=identifier
        )
        text = opened.decode()
    return Event(identifier, Happening(kind), actor_id, at, text, assignee_id, disposition)
