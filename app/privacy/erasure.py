"""Erase a person: at their own request, or on a written request by two members of staff.

An erasure is one transaction: either everything that identifies the person is removed, together
with every way to sign in, or nothing changes. It locks the person's row first, so that transactions
about the person have ended before it and later ones are refused (migration 0014).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity import personal as identity_personal
from app.identity.accounts import locked_person
from app.identity.accounts import queries as account_queries
from app.identity.accounts.rules import AccountStatus
from app.identity.errors import OwnAccountChange
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_date
from app.kit.personal import RETENTION_LAW, ErasureEffect, retention_end
from app.messages import email_delivery
from app.notifications.account_kinds import ErasureConfirmed
from app.privacy import personal_data_tables
from app.privacy.errors import ErasureRefused
from app.privacy.personal_data_tables import ERASE_PERSON

_ADD = """
INSERT INTO erasures (id, user_id, erased_at, kept_until, approval_id) VALUES (%s, %s, %s, %s, %s)
"""
_FIND = "SELECT user_id, erased_at, kept_until, approval_id FROM erasures WHERE user_id = %s"


@dataclass(frozen=True, slots=True)
class RetainedTable:
    """A table whose rows about an erased person are retained."""

    description: str
    retained_until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """The record of a completed erasure."""

    user_id: UUID
    erased_at: datetime
    kept_until: datetime
    #: The request that a second member of staff approved; None if the person asked themselves.
    approval_id: UUID | None

    @property
    def retained(self) -> list[RetainedTable]:
        """The tables whose rows are retained, until when, and the reason."""
        return [
            RetainedTable(table.description, self.kept_until, table.reason)
            for room in personal_data_tables.ROOMS
            for table in room.tables.values()
            if table.on_erasure is ErasureEffect.RETAINED
        ]


def erase_own_account(session: Session, actor: Actor) -> ErasureRecord:
    """Erase the actor, whose identity was verified for this request.

    Raises `ErasureRefused` naming everything that is still open.
    """
    return _erase(session, actor.user_id, actor=actor)


def erase_lapsed(session: Session, person_id: UUID) -> None:
    """Erase a person who never confirmed their email address; do nothing if they did meanwhile.

    Sends no email: the address may be another person's. Raises `ErasureRefused` naming everything
    that is still open, and `NotFound` for a person who was erased meanwhile.
    """
    _require_no_blockers(session, person_id)
    if not account_queries.get_person(session, person_id).email_confirmed:
        _remove(session, person_id, None, reason="The email address was not confirmed")


def request_erasure(session: Session, actor: Actor, person_id: UUID, *, reason: str) -> UUID:
    """Request the approval of an erasure that a person asked for in writing; return the request id.

    Raises `NotFound`, `PermissionDenied`, `OwnAccountChange`, `ErasureRefused`, `ApprovalPending`,
    and `Invalid` for the reason.
    """
    person = ids.encode("usr", person_id)
    return approvals.request_approval(
        session,
        actor,
        ERASE_PERSON,
        {"person": person},
        subject=person,
        subject_id=person_id,
        reason=reason,
    )


def find_erasure(session: Session, person_id: UUID) -> ErasureRecord | None:
    """Return the record of a person's erasure; None if the person was not erased."""
    row = session.row(_FIND, (person_id,))
    return ErasureRecord(*row) if row else None


def _erase(
    session: Session, person_id: UUID, *, actor: Actor, approved: ApprovedRequest | None = None
) -> ErasureRecord:
    _require_no_blockers(session, person_id)
    address = account_queries.get_email(session, person_id)
    record = _remove(
        session, person_id, actor, approved, reason=approved.reason if approved else None
    )
    person = ids.encode("usr", person_id)
    email_delivery.stage_final_email(
        session,
        person_id,
        ErasureConfirmed(person, RETENTION_LAW, record.erased_at, record.kept_until.date()),
        recipient=address,
        event=person,
    )
    return record


def _remove(
    session: Session,
    person_id: UUID,
    actor: Actor | None,
    approved: ApprovedRequest | None = None,
    *,
    reason: str | None,
) -> ErasureRecord:
    """Erase the person, their row locked, from every room, and record it."""
    now = clock.now()
    record = ErasureRecord(person_id, now, retention_end(now), approved.id if approved else None)
    personal_data_tables.erase_from_all_rooms(session, person_id)
    session.send(_ADD, (ids.new(), person_id, now, record.kept_until, record.approval_id))
    after = {
        "status": AccountStatus.ERASED,
        "kept_until": clock.rfc3339(record.kept_until),
        "law": RETENTION_LAW,
    }
    if approved is not None:
        after["approval"] = ids.encode("apr", approved.id)
        after["maker"] = ids.encode("usr", approved.maker_id)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PERSON_ERASED,
        subject=ids.encode("usr", person_id),
        after=after,
        reason=reason,
        on_behalf_of=person_id if approved else None,
    )
    return record


def _require_no_blockers(session: Session, person_id: UUID) -> None:
    """Lock the person and raise `ErasureRefused` if anything on the account is open.

    The lock keeps the result true until this transaction ends.
    """
    identity_personal.lock_person(session, person_id)
    if blockers := personal_data_tables.list_erasure_blockers(session, person_id):
        raise ErasureRefused(blockers)


# The action that needs the approval of a second member of staff


def _person_id(payload: TextFields) -> UUID:
    return ids.decode("usr", payload["person"])


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    _require_no_blockers(session, _person_id(payload))
    name = {"person": payload["person"]}
    return ProposedChange(
        name | {"status": AccountStatus.ACTIVE}, name | {"status": AccountStatus.ERASED}
    )


def _check_other(_session: Session, actor: Actor, payload: TextFields) -> None:
    if _person_id(payload) == actor.user_id:
        raise OwnAccountChange


def _execute(session: Session, approved: ApprovedRequest) -> None:
    _erase(session, _person_id(approved.payload), actor=approved.checker, approved=approved)


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    blockers = personal_data_tables.list_erasure_blockers(session, ids.decode("usr", subject))
    return {
        **locked_person.describe_person(session, actor, subject),
        "Prevents the erasure": " ".join(blocker.message for blocker in blockers) or "Nothing",
        "Kept": f"Books, orders, transfers, consents and audit trail, until"
        f" {format_date(retention_end(clock.now()))} ({RETENTION_LAW})",
    }


approvals_registry.register(
    ApprovalAction(
        ERASE_PERSON,
        "Erase a person",
        Permission.PEOPLE_ERASE,
        _compare,
        _check_other,
        _execute,
        _describe,
        lambda fields: f"erase {fields['person']}",
        {"status": label_of(AccountStatus)},
        follows="Who they are is erased for good, and they can no longer sign in. They receive a"
        " last email.",
    )
)
