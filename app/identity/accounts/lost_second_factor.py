"""Remove the second factor that a person has lost, once two members of staff agree.

The person signs in by password alone then, until they set up another one; staff do so before they
are signed in.
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
from app.identity.credentials import factor_removal, second_factor, security_mail
from app.identity.errors import NoSecondFactor, OwnAccountChange
from app.identity.roles import independence
from app.identity.roles.rules import SponsorshipKind
from app.identity.sign_in import pending_sign_in, sessions
from app.identity.sign_in.sessions import Revocation
from app.kit import clock, ids
from app.kit.db import Session
from app.notifications.account_kinds import SecondFactorRemoved

REMOVE = "second_factor.remove"


def request_removal(session: Session, actor: Actor, person_id: UUID, *, reason: str) -> UUID:
    """Request a second person's approval to remove all second factors of a person. Returns the
    request's id.

    Raises `NotFound`, `PermissionDenied`, `OwnAccountChange`, `NoSecondFactor`, `ApprovalPending`,
    and `Invalid` for the reason.
    """
    person = locked_person.lock_permissions_and_person(session, person_id)
    return locked_person.request_approval(session, actor, REMOVE, person, reason)


def has_factor(session: Session, person_id: UUID) -> bool:
    """Return whether the person has an authenticator app or a passkey."""
    has_app = second_factor.is_on(session, person_id)
    return has_app or pending_sign_in.has_passkey(session, person_id)


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    person = locked_person.lock_payload_person(session, payload)
    if not has_factor(session, person.id):
        raise NoSecondFactor
    name = {"person": person.public_id, "role": person.role.value}
    return ProposedChange(name | {"second factor": "on"}, name | {"second factor": "removed"})


def _check_not_own(_session: Session, actor: Actor, payload: TextFields) -> None:
    if ids.decode("usr", payload["person"]) == actor.user_id:
        raise OwnAccountChange


def _remove(session: Session, approved: ApprovedRequest) -> None:
    person = locked_person.lock_payload_person(session, approved.payload)
    factor_removal.delete_factors(session, person.id)
    if person.role is not Role.USER:
        independence.record_sponsorship(
            session, person.id, approved.maker_id, SponsorshipKind.SECOND_FACTOR_REMOVED
        )
    sessions.revoke_all(session, person.id, Revocation.SECOND_FACTOR_CHANGED)
    security_mail.mail_change_notice(session, person.id, SecondFactorRemoved(clock.now()))
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.SECOND_FACTOR_REMOVED,
        subject=person.public_id,
        after=locked_person.approval_evidence(approved),
        reason=approved.reason,
    )


approvals_registry.register(
    ApprovalAction(
        REMOVE,
        "Remove a lost second factor",
        Permission.PEOPLE_RECOVER,
        _compare,
        _check_not_own,
        _remove,
        locked_person.describe_person,
        lambda fields: f"remove the second factor of {fields['person']}",
        {"role": label_of(Role)},
        follows="All their sessions end, and the password alone signs in. They receive an email.",
    )
)
