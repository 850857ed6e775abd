"""Confirm that an email address belongs to the person, by a link mailed to it."""

from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.credentials import one_time_tokens, security_mail
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.errors import EmailAlreadyConfirmed
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound, RateLimited
from app.notifications.account_kinds import ConfirmEmail

_LOCK = "SELECT status, email_confirmed_at FROM users WHERE id = %s FOR NO KEY UPDATE"
_IS_CONFIRMED = "SELECT email_confirmed_at IS NOT NULL FROM users WHERE id = %s"
_CONFIRM = """
UPDATE users SET email_confirmed_at = coalesce(email_confirmed_at, %s) WHERE id = %s
"""


def confirm_email(session: Session, user_id: UUID) -> None:
    """Mark the person's email address as confirmed. Keeps the time of the first confirmation."""
    session.send(_CONFIRM, (clock.now(), user_id))


def send_confirmation(session: Session, user_id: UUID) -> None:
    """Email the person a link that confirms their address, when this transaction commits."""
    security_mail.mail_link(session, user_id, LinkPurpose.CONFIRM_EMAIL, ConfirmEmail)


def resend_confirmation(session: Session, actor: Actor) -> None:
    """Email another confirmation link at the person's request, a few times an hour at most.

    Raises `EmailAlreadyConfirmed` and `RateLimited`.
    """
    row = session.row(_LOCK, (actor.user_id,))
    if row is None:
        raise NotFound
    _status, confirmed_at = row
    if confirmed_at is not None:
        raise EmailAlreadyConfirmed
    sent = one_time_tokens.count_issued(
        session, actor.user_id, LinkPurpose.CONFIRM_EMAIL, security_mail.HOUR
    )
    if sent >= security_mail.LINKS_PER_HOUR_MAX:
        raise RateLimited(
            "We sent you several links within the last hour. Check your spam folder.",
            retry_after_seconds=int(security_mail.HOUR.total_seconds()),
        )
    send_confirmation(session, actor.user_id)


def is_confirmed(session: Session, token: str) -> bool:
    """Return whether the email address that the link was mailed to is confirmed already.

    Raises `TokenInvalid` if it is not and the link cannot confirm it.
    """
    user_id = one_time_tokens.find_person(session, token, LinkPurpose.CONFIRM_EMAIL)
    if user_id is not None and session.value(_IS_CONFIRMED, (user_id,)):
        return True
    one_time_tokens.find_link(session, token, LinkPurpose.CONFIRM_EMAIL)
    return False


def redeem_confirmation(session: Session, token: str) -> None:
    """Confirm the email address that the link was mailed to. Raises `TokenInvalid`."""
    user_id = one_time_tokens.redeem_link(session, token, LinkPurpose.CONFIRM_EMAIL).user_id
    confirm_email(session, user_id)
    _record(session, user_id, AuditAction.EMAIL_CONFIRMED)


def _record(session: Session, user_id: UUID, action: AuditAction) -> None:
    # The bearer of a link acts: no one is signed in.
    audit.record(session, actor=None, action=action, subject=ids.encode("usr", user_id))
