"""Working on cases: open, note, assign, close, reopen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.access import Actor, Permission, require
from app.approvals import rules as approvals_rules
from app.approvals.ports import CurrentPermissions
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.cases import rules
from app.cases.errors import CaseClosed, CaseOpen, OwnCase
from app.cases.registry import CaseKind, CaseOutcome, case_kind
from app.cases.rules import TRANSITIONS, CaseEventKind, CaseState
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.ports import resolve

#: Prefix of a case's public id.
PREFIX = "cas"

_OPEN = """
INSERT INTO cases (id, kind, key, subject, person_id, title, facts_sealed, state, opened_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'open', %s)
ON CONFLICT (kind, key) WHERE state = 'open' DO NOTHING
RETURNING id
"""
_LOCK_OPEN = "SELECT id FROM cases WHERE kind = %s AND key = %s AND state = 'open' FOR UPDATE"
_LATEST_STATE = "SELECT state FROM cases WHERE kind = %s AND key = %s ORDER BY id DESC LIMIT 1"
_LOCK = """
SELECT id, kind, key, person_id, state, assignee_id, disposition FROM cases WHERE id = %s FOR UPDATE
"""
_EVENT = """
INSERT INTO case_events (id, case_id, kind, actor_id, at, text_sealed, assignee_id, disposition)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_ASSIGN = "UPDATE cases SET assignee_id = %s WHERE id = %s"
_CLOSE = """
UPDATE cases SET state = 'closed', closed_at = %s, closed_by = %s, disposition = %s WHERE id = %s
"""
_REOPEN = """
UPDATE cases SET state = 'open', closed_at = NULL, closed_by = NULL, disposition = NULL
WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class _LockedCase:
    """A case, its row locked."""

    id: UUID
    kind_name: str
    key: str
    person_id: UUID | None
    state: CaseState
    assignee_id: UUID | None
    disposition: str | None

    @property
    def kind(self) -> CaseKind:
        return case_kind(self.kind_name)

    @property
    def public_id(self) -> str:
        return ids.encode(PREFIX, self.id)


def open_case(
    session: Session,
    *,
    kind: str,
    subject: str,
    key: str,
    title: str,
    facts: Mapping[str, str],
    person_id: UUID | None = None,
) -> UUID:
    """Open a case and return its id. If one of this kind is open for the key, return that one's.

    `subject` is the public id of what it is about, `person_id` the person it is about. `title` must
    not name anyone. `facts` are texts by name and are sealed. An open case stays unchanged.
    """
    while True:
        case_id, now = ids.new(), clock.now()
        sealed = keys.seal(
            json.dumps(dict(facts), ensure_ascii=False),
            table="cases",
            column="facts_sealed",
            key=case_id,
        )
        values = (case_id, kind, key, subject, person_id, title, sealed, now)
        if session.row(_OPEN, values) is not None:
            break
        # The lock waits for a transaction that closes the case now; then another one is opened.
        if (open_case_id := lock_open_case(session, kind=kind, key=key)) is not None:
            return open_case_id
    _record_event(session, case_id, CaseEventKind.OPENED, None)
    audit.record(
        session,
        actor=None,
        action=AuditAction.CASE_OPENED,
        subject=ids.encode(PREFIX, case_id),
        on_behalf_of=person_id,
        after={"kind": kind, "about": subject},
    )
    return case_id


@dataclass(frozen=True, slots=True)
class OnceOpened:
    """What `open_once` found: whether a case is open now, and whether it opened it."""

    is_open: bool
    is_new: bool


def open_once(
    session: Session,
    *,
    kind: str,
    subject: str,
    key: str,
    title: str,
    facts: Mapping[str, str],
    person_id: UUID | None = None,
) -> OnceOpened:
    """Open a case as `open_case` does, unless one for the key was ever opened."""
    state = session.optional_value(_LATEST_STATE, (kind, key))
    if state is None:
        open_case(
            session, kind=kind, subject=subject, key=key, title=title, facts=facts,
            person_id=person_id,
        )  # fmt: skip
    return OnceOpened(is_open=state in {None, CaseState.OPEN}, is_new=state is None)


def lock_open_case(session: Session, *, kind: str, key: str) -> UUID | None:
    """Return the id of the open case of this kind for the key, its row locked; None if there is
    none.
    """
    case_id: UUID | None = session.optional_value(_LOCK_OPEN, (kind, key))
    return case_id


def add_note(session: Session, actor: Actor | None, case_id: UUID, text: str) -> None:
    """Add a note; `actor` is None for the system.

    Raises `Invalid`, `NotFound`, `PermissionDenied`, `OwnCase`, and `CaseClosed`.
    """
    case = _lock_workable(session, actor, case_id)
    cleaned = rules.clean_note(text)
    _record_event(session, case.id, CaseEventKind.NOTED, actor, text=cleaned)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CASE_NOTED,
        subject=case.public_id,
        on_behalf_of=case.person_id,
    )


def assign(session: Session, actor: Actor, case_id: UUID, assignee_id: UUID | None) -> None:
    """Assign the case to a member of staff, or unassign it with None.

    Assigning it to its current assignee records nothing. Raises as `add_note` does, and `Invalid`
    for a person who may not work on such cases or whom the case is about.
    """
    case = _lock_workable(session, actor, case_id)
    if assignee_id == case.assignee_id:
        return
    if assignee_id is not None and assignee_id not in eligible_assignees(
        session, case.kind, case.person_id
    ):
        raise Invalid("assignee", "Choose a person who may work on this case.")
    session.send(_ASSIGN, (assignee_id, case.id))
    _record_event(session, case.id, CaseEventKind.ASSIGNED, actor, assignee_id=assignee_id)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CASE_ASSIGNED,
        subject=case.public_id,
        on_behalf_of=case.person_id,
        before={"assignee": _public_person_id(case.assignee_id)},
        after={"assignee": _public_person_id(assignee_id)},
    )


def close(
    session: Session, actor: Actor | None, case_id: UUID, *, disposition: str, reason: str
) -> None:
    """Close the case with a disposition, and do what its kind says follows.

    Raises as `add_note` does, and `Invalid` for a disposition that its kind does not have and for
    the reason.
    """
    case = _lock_workable(session, actor, case_id)
    if disposition not in case.kind.dispositions:
        raise Invalid("disposition", "Choose an outcome from the list.")
    cleaned_reason = approvals_rules.clean_reason(reason)
    TRANSITIONS.transition(case.state, CaseState.CLOSED)
    closer_id = actor.user_id if actor else None
    session.send(_CLOSE, (clock.now(), closer_id, disposition, case.id))
    _record_event(
        session, case.id, CaseEventKind.CLOSED, actor, text=cleaned_reason, disposition=disposition
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CASE_CLOSED,
        subject=case.public_id,
        on_behalf_of=case.person_id,
        before={"state": CaseState.OPEN},
        after={"state": CaseState.CLOSED, "disposition": disposition},
        reason=cleaned_reason,
    )
    case.kind.on_closed(session, CaseOutcome(case.id, case.key, case.person_id, disposition, actor))


def reopen(session: Session, actor: Actor, case_id: UUID, *, reason: str) -> None:
    """Reopen a closed case, and undo what followed from its disposition.

    Raises `NotFound`, `PermissionDenied`, `OwnCase`, `Invalid` for the reason, and `CaseOpen` if it
    or another case about the same is open.
    """
    case = _lock_allowed(session, actor, case_id)
    if case.disposition is None:
        raise CaseOpen
    cleaned_reason = approvals_rules.clean_reason(reason)
    TRANSITIONS.transition(case.state, CaseState.OPEN)
    session.send(_REOPEN, (case.id,))
    # If another case about the same is open, stop here, before anything else is written.
    session.flush()
    _record_event(session, case.id, CaseEventKind.REOPENED, actor, text=cleaned_reason)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CASE_REOPENED,
        subject=case.public_id,
        on_behalf_of=case.person_id,
        before={"state": CaseState.CLOSED, "disposition": case.disposition},
        after={"state": CaseState.OPEN},
        reason=cleaned_reason,
    )
    outcome = CaseOutcome(case.id, case.key, case.person_id, case.disposition, actor)
    case.kind.on_reopened(session, outcome)


def record_consequence(session: Session, case_id: UUID, text: str) -> None:
    """Add to the history of a case what followed from its outcome, or from reopening it."""
    _record_event(session, case_id, CaseEventKind.FOLLOWED, None, text=text)


def caseworkers(session: Session) -> list[UUID]:
    """Return the staff who may work on ordinary cases."""
    permissions = frozenset({Permission.CASES_READ, Permission.CASES_WORK})
    return resolve(CurrentPermissions).find_holders(session, permissions)


def eligible_assignees(session: Session, kind: CaseKind, person_id: UUID | None) -> list[UUID]:
    """Return the staff who may work on a case of this kind about this person."""
    staff = resolve(CurrentPermissions).find_holders(
        session, frozenset({kind.read_permission, Permission.CASES_WORK})
    )
    return [member_id for member_id in staff if member_id != person_id]


def _lock_workable(session: Session, actor: Actor | None, case_id: UUID) -> _LockedCase:
    """Return the open case, its row locked, if this actor may work on it."""
    case = _lock_allowed(session, actor, case_id)
    if case.state is not CaseState.OPEN:
        raise CaseClosed
    return case


def _lock_allowed(session: Session, actor: Actor | None, case_id: UUID) -> _LockedCase:
    row = session.row(_LOCK, (case_id,))
    if row is None:
        raise NotFound
    identifier, kind, key, person_id, state, assignee_id, disposition = row
    case = _LockedCase(identifier, kind, key, person_id, CaseState(state), assignee_id, disposition)
    if actor is not None:
        if case.kind.read_permission not in actor.permissions:
            raise NotFound
        require(actor, Permission.CASES_WORK)
        if actor.user_id == case.person_id:
            raise OwnCase
    return case


def _record_event(
    session: Session,
    case_id: UUID,
    kind: CaseEventKind,
    actor: Actor | None,
    *,
    text: str | None = None,
    assignee_id: UUID | None = None,
    disposition: str | None = None,
) -> None:
    event_id = ids.new()
    sealed = None
    if text is not None:
        sealed = keys.seal(text, table="case_events", column="text_sealed", key=event_id)
    actor_id = actor.user_id if actor else None
    session.send(
        _EVENT,
        (event_id, case_id, kind, actor_id, clock.now(), sealed, assignee_id, disposition),
    )


def _public_person_id(identifier: UUID | None) -> str | None:
    return ids.encode("usr", identifier) if identifier else None
