"""Named reads of cases, as typed rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.cases import queue_sources, registry
from app.cases.models import Case
from app.cases.queue_sources import QueueSource
from app.cases.rules import CaseEventKind, CaseState
from app.cases.service import PREFIX
from app.keys import service as keys
from app.kit import ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.list_query import ListQuery, ListSource, fetch_page
from app.kit.pipeline import Row, Statement

_FACTS = "SELECT facts_sealed FROM cases WHERE id = %s"
# Takes as many steps as there are kinds, not as there are cases.
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
# Half of the cases took no longer than the median.
_RESOLUTIONS = """
SELECT closed_by, count(*),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM closed_at - opened_at))::bigint
FROM cases WHERE closed_at > %s AND closed_by IS NOT NULL
GROUP BY GROUPING SETS ((closed_by), ()) ORDER BY count(*) DESC, closed_by
"""
_OPEN_ABOUT = """
SELECT EXISTS (SELECT FROM cases WHERE person_id = %s AND state = 'open' AND kind <> ALL(%s))
"""


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A case without its facts."""

    id: UUID
    kind_name: str
    key: str
    subject: str
    person_id: UUID | None
    title: str
    state: CaseState
    assignee_id: UUID | None
    opened_at: datetime
    closed_at: datetime | None
    closed_by: UUID | None
    disposition: str | None

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def kind(self) -> registry.CaseKind:
        """The kind of the case."""
        return registry.case_kind(self.kind_name)

    @property
    def outcome(self) -> str:
        """The label of its disposition; empty while it is open."""
        if self.disposition is None:
            return ""
        return self.kind.dispositions.get(self.disposition, self.disposition)


@dataclass(frozen=True, slots=True)
class CaseEventRow:
    """An event of a case. `actor_id` is None for the system."""

    id: UUID
    kind: CaseEventKind
    actor_id: UUID | None
    at: datetime
    text: str
    assignee_id: UUID | None
    disposition: str | None


_CASES = ListSource(
    CaseSummary,
    sa.select(
        Case.id,
        Case.kind.label("kind_name"),
        Case.key,
        Case.subject,
        Case.person_id,
        Case.title,
        Case.state,
        Case.assignee_id,
        Case.opened_at,
        Case.closed_at,
        Case.closed_by,
        Case.disposition,
    ),
    key=Case.id,
    sorts={"opened": Case.id},
    filters={
        "kind": lambda name: Case.kind == name,
        "state": lambda state: Case.state == state,
        # None: cases without an assignee.
        "assignee": lambda person_id: Case.assignee_id == person_id,
        # What the case is about, or the source of a comparison that found it.
        "about": lambda text: sa.or_(
            Case.subject == text, Case.key.startswith(f"{text}:", autoescape=True)
        ),
        "person": lambda person_id: Case.person_id == person_id,
    },
)


def visible_cases(actor: Actor) -> ListSource[CaseSummary]:
    """Return the cases that this actor may see."""
    return _CASES.where(Case.kind.not_in(registry.hidden_kinds(actor)))


def list_cases_about(
    session: Session, actor: Actor, person_id: UUID, limit: int
) -> list[CaseSummary]:
    """Return the latest cases about this person that the actor may see."""
    query = ListQuery({"person": person_id}, "-opened", limit=limit)
    return fetch_page(session, visible_cases(actor), query).rows


def list_open_cases_about(
    session: Session, actor: Actor, person_id: UUID, limit: int
) -> list[CaseSummary]:
    """Return the latest open cases about this person that the actor may see."""
    filters = {"person": person_id, "state": CaseState.OPEN}
    return fetch_page(
        session, visible_cases(actor), ListQuery(filters, "-opened", limit=limit)
    ).rows


def list_cases_on(session: Session, actor: Actor, subject: str) -> list[CaseSummary]:
    """Return the latest cases on what has this public id; none for an actor who reads no cases."""
    if Permission.CASES_READ not in actor.permissions:
        return []
    return fetch_page(session, visible_cases(actor), ListQuery({"about": subject}, "-opened")).rows


def case(session: Session, actor: Actor, case_id: UUID) -> CaseSummary:
    """Return the case with this id. Raises `NotFound`, also if this actor may not see it."""
    visible = visible_cases(actor).select
    return session.get(CaseSummary, visible.where(Case.id == case_id))


def facts(session: Session, case_id: UUID) -> Mapping[str, str]:
    """Return the facts of a case: texts by name."""
    sealed = session.value(_FACTS, (case_id,))
    opened = keys.open_sealed(bytes(sealed), table="cases", column="facts_sealed", key=case_id)
    facts_by_name: Mapping[str, str] = json.loads(opened)
    return facts_by_name


def events(session: Session, case_id: UUID) -> list[CaseEventRow]:
    """Return the events of a case, oldest first."""
    return [_event_from_row(row) for row in session.rows(_EVENTS, (case_id,))]


def visible_kinds(session: Session, actor: Actor) -> list[registry.CaseKind]:
    """Return the kinds of existing cases that this actor may see."""
    rows = session.rows(_KINDS, (registry.hidden_kinds(actor),))
    return [registry.case_kind(name) for (name,) in rows]


def workable_count(actor: Actor) -> Count | None:
    """Return the count of open cases that this actor could work on: their own and unassigned ones;
    None without the permission to work on any."""
    if Permission.CASES_WORK not in actor.permissions:
        return None
    return Count(
        (_COUNT, {"actor": actor.user_id}),
        lambda _session, rows: sum(
            count
            for name, count in rows
            if registry.case_kind(name).read_permission in actor.permissions
        ),
    )


def has_open_case(session: Session, person_id: UUID) -> bool:
    """Return whether a case about this person is open."""
    return bool(session.value(_OPEN_ABOUT, (person_id, [])))


def select_resolutions(since: datetime) -> Statement:
    """Return the statement of how many cases people closed since then, and the median of how long
    those were open, in seconds: of each person, and of all (null)."""
    return _RESOLUTIONS, (since,)


def select_has_open_case(actor: Actor, person_id: UUID) -> Statement:
    """Return the statement whose only value says whether a case about this person is open that
    the actor may see, to be sent together with others."""
    return _OPEN_ABOUT, (person_id, registry.hidden_kinds(actor))


def _event_from_row(row: Row) -> CaseEventRow:
    identifier, kind, actor_id, at, sealed, assignee_id, disposition = row
    text = ""
    if sealed is not None:
        opened = keys.open_sealed(
            bytes(sealed), table="case_events", column="text_sealed", key=identifier
        )
        text = opened.decode()
    return CaseEventRow(
        identifier, CaseEventKind(kind), actor_id, at, text, assignee_id, disposition
    )


queue_sources.register(
    QueueSource(
        "case",
        "Case",
        Permission.CASES_WORK,
        PREFIX,
        lambda actor: sa.select(
            Case.id.label("subject_id"),
            Case.person_id.label("user_id"),
            Case.opened_at.label("since"),
        ).where(Case.state == CaseState.OPEN, Case.kind.not_in(registry.hidden_kinds(actor))),
    )
)
