"""Named reads of the audit trail, for the desks."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Role
from app.audit.actions import AuditAction
from app.audit.models import AuditRecord, AuditSeal
from app.audit.rules import AuditOutcome, Difference, SealState
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import ListSource, fetch_by_ids
from app.kit.statements import compile_statement

_HAS_REQUEST = "SELECT EXISTS (SELECT FROM audit_records WHERE request_id = %s)"


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
    action: AuditAction
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


def _is_about(subject: str) -> sa.ColumnElement[bool]:
    """Match records about this ID; for a person also those about what is theirs."""
    is_subject = AuditRecord.subject == subject
    person_id = ids.try_decode("usr", subject)
    if person_id is None:
        return is_subject
    return sa.or_(is_subject, AuditRecord.on_behalf_of == person_id)


# Written as audit_records_reason_idx has it, so that the index serves it. People and companies
# write in several languages: words are compared as they are.
_CONFIGURATION: sa.ColumnElement[str] = sa.literal_column("'simple'")
_reason_words = sa.func.to_tsvector(
    _CONFIGURATION, sa.func.coalesce(AuditRecord.reason, sa.literal_column("''"))
)

RECORDS = ListSource(
    AuditRecordRow,
    sa.select(
        AuditRecord.id,
        AuditRecord.recorded_at,
        AuditRecord.actor_id,
        AuditRecord.actor_role,
        AuditRecord.session_id,
        AuditRecord.on_behalf_of,
        AuditRecord.action,
        AuditRecord.subject,
        sa.cast(AuditRecord.before, sa.Text).label("before_text"),
        sa.cast(AuditRecord.after, sa.Text).label("after_text"),
        AuditRecord.reason,
        AuditRecord.request_id,
        AuditRecord.outcome,
        AuditSeal.position,
        AuditSeal.sealed_at,
    ).join_from(AuditRecord, AuditSeal, AuditSeal.record_id == AuditRecord.id, isouter=True),
    key=AuditRecord.id,
    sorts={"recorded": AuditRecord.id},
    filters={
        "who": lambda person_id: AuditRecord.actor_id == person_id,
        "what": _is_about,
        "action": lambda action: AuditRecord.action == action,
        "outcome": lambda outcome: AuditRecord.outcome == outcome,
        "reason": lambda words: _reason_words.bool_op("@@")(
            sa.func.websearch_to_tsquery(_CONFIGURATION, words)
        ),
        "request": lambda request_id: AuditRecord.request_id == request_id,
        # An id begins with the time, and every index of the filters ends with the id.
        "from": lambda instant: AuditRecord.id >= ids.first_at(instant),
        "to": lambda instant: AuditRecord.id < ids.first_at(instant),
    },
)


def records_of(person_id: UUID) -> ListSource[AuditRecordRow]:
    """Return the acts of one person."""
    return RECORDS.where(AuditRecord.actor_id == person_id)


def has_request(session: Session, request_id: str) -> bool:
    """Return whether there is a record of the request with this id."""
    return bool(session.value(_HAS_REQUEST, (request_id,)))


def has_action(session: Session, action: AuditAction) -> bool:
    """Return whether there is a record of such an act."""
    is_such = sa.select(sa.exists().where(AuditRecord.action == action))
    return bool(session.value(*compile_statement(is_such)))


def latest_actor_about(session: Session, subject: str) -> UUID | None:
    """Return who did the latest act on this subject; None for the system or without any."""
    actor_id: UUID | None = session.optional_value(
        "SELECT actor_id FROM audit_records WHERE subject = %s AND outcome = 'done'"
        " ORDER BY id DESC LIMIT 1",
        (subject,),
    )
    return actor_id


def get_record(session: Session, identifier: UUID) -> AuditRecordRow:
    """Return the record. Raises `NotFound`."""
    records = fetch_by_ids(session, RECORDS, [identifier], "recorded")
    if not records:
        raise NotFound
    return records[0]


def _fields(text: str | None) -> dict[str, Any]:
    return json.loads(text) if text is not None else {}


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
