"""Suspend and reactivate accounts.

No one changes their own status. Suspending and reactivating need a second person; only a customer
whom another room bars is suspended at once (`suspend_customer`). A suspension ends the person's
login sessions.
"""

from uuid import UUID

from app.access import Actor, Permission, Role
from app.approvals import registry as approvals_registry
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import locked_person
from app.identity.accounts.locked_person import LockedPerson
from app.identity.accounts.rules import AccountStatus
from app.identity.errors import AlreadySet, OwnAccountChange
from app.identity.roles import current_permissions, independence
from app.identity.roles.rules import SponsorshipKind
from app.identity.sign_in import sessions
from app.identity.sign_in.sessions import Revocation
from app.kit import clock, ids
from app.kit.db import Session

SUSPEND = "person.suspend"
REACTIVATE = "person.reactivate"

_LOCK = """
SELECT role, status FROM users WHERE id = %s FOR NO KEY UPDATE
"""
_SET_STATUS = """
UPDATE users SET status = %s, suspended_at = %s, suspended_reason = %s WHERE id = %s
"""
_FORMATS = {"role": label_of(Role), "status": label_of(AccountStatus)}


def request_suspension(session: Session, actor: Actor, person_id: UUID, *, reason: str) -> UUID:
    """Request a second person's approval to suspend a person. Returns the request's id.

    Raises `NotFound`, `PermissionDenied`, `OwnAccountChange`, `AlreadySet`, `ApprovalPending`, and
    `Invalid` for the reason.
    """
    return locked_person.request_approval(
        session,
        actor,
        SUSPEND,
        locked_person.lock_permissions_and_person(session, person_id),
        reason,
    )


def request_reactivation(session: Session, actor: Actor, person_id: UUID, *, reason: str) -> UUID:
    """Request a second person's approval to lift a suspension. Returns the request's id.

    Raises as `request_suspension` does.
    """
    return locked_person.request_approval(
        session,
        actor,
        REACTIVATE,
        locked_person.lock_permissions_and_person(session, person_id),
        reason,
    )


def suspend_customer(
    session: Session, actor: Actor | None, person_id: UUID, *, reason: str
) -> bool:
    """Suspend a customer at once, as another room decided; return whether they were suspended now.

    `actor` is None for the system. Does nothing for staff, whose suspension takes two people, or if
    the account is not active. Lifting the suspension takes two people.
    """
    if session.row(_LOCK, (person_id,)) != (Role.USER, AccountStatus.ACTIVE):
        return False
    session.send(_SET_STATUS, (AccountStatus.SUSPENDED, clock.now(), reason, person_id))
    sessions.revoke_all(session, person_id, Revocation.SUSPENDED)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PERSON_SUSPENDED,
        subject=ids.encode("usr", person_id),
        before={"status": AccountStatus.ACTIVE},
        after={"status": AccountStatus.SUSPENDED},
        reason=reason,
    )
    return True


def _compare_status(session: Session, payload: TextFields, status: AccountStatus) -> ProposedChange:
    person = locked_person.lock_payload_person(session, payload)
    if person.status is status:
        raise AlreadySet
    name = {"person": person.public_id, "role": person.role.value}
    return ProposedChange(name | {"status": person.status}, name | {"status": status})


def _check_not_own(_session: Session, actor: Actor, payload: TextFields) -> None:
    if ids.decode("usr", payload["person"]) == actor.user_id:
        raise OwnAccountChange


def _suspend(session: Session, approved: ApprovedRequest) -> None:
    person = locked_person.lock_payload_person(session, approved.payload)
    session.send(_SET_STATUS, (AccountStatus.SUSPENDED, clock.now(), approved.reason, person.id))
    sessions.revoke_all(session, person.id, Revocation.SUSPENDED)
    current_permissions.check_administrators_remain(session)
    _record_status(session, approved, person, "suspended")


def _reactivate(session: Session, approved: ApprovedRequest) -> None:
    person = locked_person.lock_payload_person(session, approved.payload)
    session.send(_SET_STATUS, (AccountStatus.ACTIVE, None, None, person.id))
    if person.role is not Role.USER:
        independence.record_sponsorship(
            session, person.id, approved.maker_id, SponsorshipKind.REACTIVATED
        )
    _record_status(session, approved, person, "reactivated")


def _record_status(
    session: Session, approved: ApprovedRequest, person: LockedPerson, done: str
) -> None:
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction(f"person.{done}"),
        subject=person.public_id,
        before={"status": person.status},
        after={
            "status": AccountStatus.SUSPENDED if done == "suspended" else AccountStatus.ACTIVE,
            **locked_person.approval_evidence(approved),
        },
        reason=approved.reason,
    )


approvals_registry.register(
    ApprovalAction(
        SUSPEND,
        "Suspend a person",
        Permission.PEOPLE_SUSPEND,
        lambda session, payload: _compare_status(session, payload, AccountStatus.SUSPENDED),
        _check_not_own,
        _suspend,
        locked_person.describe_person,
        lambda fields: f"suspend {fields['person']}",
        _FORMATS,
        follows="All their sessions end. They can neither sign in nor move money, and their payouts"
        " wait.",
    )
)
approvals_registry.register(
    ApprovalAction(
        REACTIVATE,
        "Lift a suspension",
        Permission.PEOPLE_SUSPEND,
        lambda session, payload: _compare_status(session, payload, AccountStatus.ACTIVE),
        _check_not_own,
        _reactivate,
        locked_person.describe_person,
        lambda fields: f"lift the suspension of {fields['person']}",
        _FORMATS,
        follows="They can sign in and move money again, and payouts that waited are sent.",
    )
)
