"""Named reads of the audit trail, for the desks."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.access import Role
from app.audit.rules import AuditOutcome, Difference, SealState
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.pagination import Page, paginate
from app.kit.pipeline import Row

PAGE = 50

_SELECT = """
SELECT r.id, r.recorded_at, r.actor_id, r.actor_role, r.session_id, r.on_behalf_of, r.action,
    r.subject, r.before::text, r.after::text, r.reason, r.request_id, r.outcome, s.position,
    s.sealed_at
FROM audit_records r LEFT JOIN audit_seals s ON s.record_id = r.id
"""
# A nullable condition would hide each filter's index, so a statement has only the filters in use.
_CONDITIONS = {
    "actor_id": "r.actor_id = %(actor_id)s",
    "subject": "r.subject = %(subject)s",
    "action": "r.action = %(action)s",
    "outcome": "r.outcome = %(outcome)s",
    "request_id": "r.request_id = %(request_id)s",
    "cursor": "r.id < %(cursor)s",
}
_HAS_REQUEST = "SELECT EXISTS (SELECT FROM audit_records WHERE request_id = %s)"
# Takes one step for each action, not for each record.
_ACTIONS = """
WITH RECURSIVE known (action) AS (
    SELECT min(action) FROM audit_records
    UNION ALL
    SELECT (SELECT min(action) FROM audit_records r WHERE r.action > known.action)
    FROM known WHERE known.action IS NOT NULL
)
SELECT action FROM known WHERE action IS NOT NULL ORDER BY action
"""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field as text before and after an act; empty where not recorded."""

    name: str
    before: str
    after: str

    @property
    def difference(self) -> Difference:
        """Whether the act changed it."""
        return Difference.SAME if self.before == self.after else Difference.CHANGED


@dataclass(frozen=True, slots=True)
class AuditRecordRow:
    """An act as it was recorded. `position` is None until the record is sealed."""

    id: UUID
    recorded_at: datetime
    actor_id: UUID | None
    actor_role: Role | None
    session_id: UUID | None
    on_behalf_of: UUID | None
    action: str
    subject: str
    before_text: str | None
    after_text: str | None
    reason: str | None
    request_id: str | None
    outcome: AuditOutcome
    position: int | None
    sealed_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("aud", self.id)

    @property
    def seal_state(self) -> SealState:
        """Whether it is sealed."""
        return SealState.UNSEALED if self.position is None else SealState.SEALED

    @property
    def changes(self) -> list[FieldChange]:
        """What each field was before and after."""
        before, after = _fields(self.before_text), _fields(self.after_text)
        names = sorted(before.keys() | after.keys())
        return [
            FieldChange(name, _text(before.get(name)), _text(after.get(name))) for name in names
        ]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """The filters of a search. None matches every record."""

    actor_id: UUID | None = None
    subject: str | None = None
    action: str | None = None
    outcome: AuditOutcome | None = None
    request_id: str | None = None


def search(
    session: Session, criteria: AuditFilter, *, cursor: UUID | None = None
) -> Page[AuditRecordRow]:
    """Return a page of up to 50 matching records, newest first."""
    values = {
        "actor_id": criteria.actor_id,
        "subject": criteria.subject,
        "action": criteria.action,
        "outcome": criteria.outcome,
        "request_id": criteria.request_id,
        "cursor": cursor,
    }
    filters = {name: value for name, value in values.items() if value is not None}
    conditions = " AND ".join(_CONDITIONS[name] for name in filters) or "true"
    statement = f"{_SELECT} WHERE {conditions} ORDER BY r.id DESC LIMIT {PAGE + 1}"
    rows = session.rows(statement, filters)
    return paginate([_to_record(row) for row in rows], PAGE, lambda record: record.id)


def has_request(session: Session, request_id: str) -> bool:
    """Return whether there is a record of the request with this id."""
    [(exists,)] = session.rows(_HAS_REQUEST, (request_id,))
    return bool(exists)


def latest_actor_about(session: Session, subject: str) -> UUID | None:
    """Return who did the latest act on this subject; None for the system or without any."""
    row = session.row(
        "SELECT actor_id FROM audit_records WHERE subject = %s AND outcome = 'done'"
        " ORDER BY id DESC LIMIT 1",
        (subject,),
    )
    return row[0] if row else None


def get_record(session: Session, identifier: UUID) -> AuditRecordRow:
    """Return the record. Raises `NotFound`."""
    row = session.row(_SELECT + "WHERE r.id = %s", (identifier,))
    if row is None:
        raise NotFound
    return _to_record(row)


def list_actions(session: Session) -> list[str]:
    """Return every recorded action, in alphabetical order."""
    return [action for (action,) in session.rows(_ACTIONS)]


def _to_record(row: Row) -> AuditRecordRow:
    record = AuditRecordRow(*row)
    return replace(
        record,
        actor_role=Role(record.actor_role) if record.actor_role is not None else None,
        outcome=AuditOutcome(record.outcome),
    )


def _fields(text: str | None) -> dict[str, Any]:
    return json.loads(text) if text is not None else {}


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
