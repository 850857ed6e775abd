"""What staff do for a customer who cannot help themselves: links by email, and ended sessions."""

from collections.abc import Callable
from uuid import UUID

from app.access import Actor, Permission, Role, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import locked_person
from app.identity.accounts.locked_person import LockedPerson
from app.identity.accounts.rules import AccountStatus
from app.identity.credentials import one_time_tokens, security_mail
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.errors import EmailAlreadyConfirmed, NotActive
from app.identity.sign_in import sessions
from app.identity.sign_in.sessions import Revocation
from app.kit.db import Session
from app.kit.errors import NotFound, RateLimited
from app.notifications.account_kinds import ConfirmEmail, LinkFacts, ResetPassword

_IS_CONFIRMED = "SELECT email_confirmed_at IS NOT NULL FROM users WHERE id = %s"


def send_password_link(session: Session, actor: Actor, person_id: UUID) -> None:
    """Email a customer a link with which they choose a new password.

    Raises `NotFound`, `PermissionDenied`, `PersonErased`, `NotActive` for a suspended person, and
    `RateLimited` after a few links within an hour.
    """
    person = _lock_customer(session, actor, person_id)
    _mail(session, person, LinkPurpose.RESET_PASSWORD, ResetPassword)
    _record(session, actor, person, AuditAction.PASSWORD_LINK_SENT)


def send_confirmation(session: Session, actor: Actor, person_id: UUID) -> None:
    """Email a customer another link that confirms their email address.

    Raises what `send_password_link` raises, and `EmailAlreadyConfirmed`.
    """
    person = _lock_customer(session, actor, person_id)
    if session.value(_IS_CONFIRMED, (person.id,)):
        raise EmailAlreadyConfirmed
    _mail(session, person, LinkPurpose.CONFIRM_EMAIL, ConfirmEmail)
    _record(session, actor, person, AuditAction.CONFIRMATION_SENT)


def end_sessions(session: Session, actor: Actor, person_id: UUID) -> None:
    """End every session of a customer at once. Raises `NotFound`, `PermissionDenied`,
    `PersonErased` and `NotActive`."""
    person = _lock_customer(session, actor, person_id)
    sessions.revoke_all(session, person.id, Revocation.ENDED_BY_STAFF)
    _record(session, actor, person, AuditAction.SESSIONS_ENDED)


def _lock_customer(session: Session, actor: Actor, person_id: UUID) -> LockedPerson:
    require(actor, Permission.PEOPLE_ASSIST)
    person = locked_person.lock_person(session, person_id)
    if person.role is not Role.USER:
        raise NotFound
    if person.status is not AccountStatus.ACTIVE:
        raise NotActive
    return person


def _mail(
    session: Session,
    person: LockedPerson,
    purpose: LinkPurpose,
    compose: Callable[[UUID], LinkFacts],
) -> None:
    sent = one_time_tokens.count_issued(session, person.id, purpose, security_mail.HOUR)
    if sent >= security_mail.LINKS_PER_HOUR_MAX:
        raise RateLimited(
            "Several links were sent within the last hour. Ask the customer to check their spam"
            " folder.",
            retry_after_seconds=int(security_mail.HOUR.total_seconds()),
        )
    security_mail.mail_link(session, person.id, purpose, compose)


def _record(session: Session, actor: Actor, person: LockedPerson, action: AuditAction) -> None:
    audit.record(
        session, actor=actor, action=action, subject=person.public_id, on_behalf_of=person.id
    )
