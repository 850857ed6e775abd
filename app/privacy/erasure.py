"""Erasing a person: by their own proof, or on their letter by two of the staff.

One transaction: either everything that says who they are is gone, with every way in, or nothing has
changed. It takes the person's row first, so that whatever was under way about them has ended, and
whatever comes later is refused (migration 0014).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.identity import personal as identity_personal
from app.identity.accounts import queries as account_queries
from app.identity.errors import OwnAccountChange
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.personal import RETENTION_LAW, ErasureEffect, retention_end
from app.messages import email_delivery
from app.privacy import personal_data_tables
from app.privacy.errors import ErasureRefused
from app.privacy.personal_data_tables import ERASE_PERSON

_ADD = """
INSERT INTO erasures (id, user_id, erased_at, kept_until, approval_id) VALUES (%s, %s, %s, %s, %s)
"""
_FIND = "SELECT user_id, erased_at, kept_until, approval_id FROM erasures WHERE user_id = %s"


@dataclass(frozen=True, slots=True)
class RetainedTable:
    """Something that the law keeps about somebody who was erased."""

    description: str
    retained_until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """That a person was erased."""

    user_id: UUID
    erased_at: datetime
    kept_until: datetime
    #: The request that two of the staff decided; None for the person's own act.
    approval_id: UUID | None

    @property
    def retained(self) -> list[RetainedTable]:
        """What is left, until when, and why."""
        return [
            RetainedTable(table.description, self.kept_until, table.reason)
            for room in personal_data_tables.ROOMS
            for table in room.tables.values()
            if table.on_erasure is ErasureEffect.RETAINED
        ]


def erase_own_account(session: Session, actor: Actor) -> ErasureRecord:
    """Erase the actor, who has just proved who they are. Raises `ErasureRefused` naming everything
    that is still open."""
    return _erase(session, actor.user_id, actor=actor)


def request_erasure(session: Session, actor: Actor, person_id: UUID, *, reason: str) -> UUID:
    """Ask a second person to erase somebody who wrote to us; answers the request's id.

    Raises `NotFound`, `PermissionDenied`, `OwnAccountChange`, `ErasureRefused`, `ApprovalPending`,
    and
    `Invalid` for the reason.
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
    """The erasure of a person, if they were erased."""
    row = session.row(_FIND, (person_id,))
    return ErasureRecord(*row) if row else None


def _erase(
    session: Session, person_id: UUID, *, actor: Actor, approved: ApprovedRequest | None = None
) -> ErasureRecord:
    _require_no_blockers(session, person_id)
    address, now = account_queries.get_email(session, person_id), clock.now()
    made = ErasureRecord(person_id, now, retention_end(now), approved.id if approved else None)
    personal_data_tables.erase_from_all_rooms(session, person_id)
    session.send(_ADD, (ids.new(), person_id, now, made.kept_until, made.approval_id))
    person = ids.encode("usr", person_id)
    email_delivery.stage_final_email(
        session,
        person_id,
        address,
        kind="person_erased",
        event_key=f"person_erased:{person}",
        values={
            "person": person,
            "law": RETENTION_LAW,
            "erased_at": clock.rfc3339(now),
            "kept_until": made.kept_until.date().isoformat(),
        },
    )
    after = {"status": "erased", "kept_until": clock.rfc3339(made.kept_until), "law": RETENTION_LAW}
    if approved is not None:
        after["approval"] = ids.encode("apr", approved.id)
        after["maker"] = ids.encode("usr", approved.maker_id)
    audit.record(
        session,
        actor=actor,
        action="person.erased",
        subject=person,
        after=after,
        reason=approved.reason if approved else None,
        on_behalf_of=person_id if approved else None,
    )
    return made


def _require_no_blockers(session: Session, person_id: UUID) -> None:
    """Raises unless nothing of the person is open; it stays so until this transaction ends."""
    identity_personal.lock_person(session, person_id)
    if still_open := personal_data_tables.list_erasure_blockers(session, person_id):
        raise ErasureRefused(still_open)


# The act that needs a second person


def _person_id(payload: TextFields) -> UUID:
    return ids.decode("usr", payload["person"])


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    _require_no_blockers(session, _person_id(payload))
    name = {"person": payload["person"]}
    return ProposedChange(name | {"status": "active"}, name | {"status": "erased"})


def _check_other(_session: Session, actor: Actor, payload: TextFields) -> None:
    if _person_id(payload) == actor.user_id:
        raise OwnAccountChange


def _execute(session: Session, approved: ApprovedRequest) -> None:
    _erase(session, _person_id(approved.payload), actor=approved.checker, approved=approved)


approvals_registry.register(
    ApprovalAction(
        ERASE_PERSON, "Erase a person", Permission.PEOPLE_ERASE, _compare, _check_other, _execute
    )
)
