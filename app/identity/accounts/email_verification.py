"""Confirm that an email address belongs to the person, by a link mailed to it."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.api_keys import service as api_keys
from app.identity.credentials import factor_removal, one_time_tokens, security_mail
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.identity.errors import EmailAlreadyConfirmed
from app.identity.models import User
from app.identity.sign_in import sessions
from app.identity.sign_in.sessions import Revocation
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound, RateLimited
from app.notifications.account_kinds import ConfirmEmail

_LOCK = "SELECT status, email_confirmed_at FROM users WHERE id = %s FOR NO KEY UPDATE"
_IS_CONFIRMED = "SELECT email_confirmed_at IS NOT NULL FROM users WHERE id = %s"


def confirm_email(session: Session, user_id: UUID) -> bool:
    """Mark the person's email address as confirmed, on the word of the operator. Keeps the time of
    the first confirmation; returns whether it is this one."""
    confirmed = session.select(
        lambda user_id: user_id,
        sa.update(User)
        .values(email_confirmed_at=clock.now())
        .where(User.id == user_id, User.email_confirmed_at.is_(None))
        .returning(User.id.label("user_id")),
    )
    return bool(confirmed)


def prove_email(session: Session, user_id: UUID, *, apart_from: UUID | None = None) -> None:
    """Confirm the person's email address by a link that was mailed to it.

    The first proof ends what was made before it, because the person who registered may not be the
    owner of the address: sessions (`apart_from` is the one whose token came with the link), pending
    sign-ins, API keys and second factors.
    """
    if not confirm_email(session, user_id):
        return
    sessions.revoke_all(session, user_id, Revocation.EMAIL_CONFIRMED, apart_from=apart_from)
    api_keys.revoke_all_keys(session, user_id, reason="made before the email address was proven")
    factor_removal.delete_factors(session, user_id)


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


def redeem_confirmation(session: Session, token: str, *, apart_from: UUID | None = None) -> None:
    """Confirm the email address that the link was mailed to, as `prove_email` does.

    Raises `TokenInvalid`.
    """
    user_id = one_time_tokens.redeem_link(session, token, LinkPurpose.CONFIRM_EMAIL).user_id
    prove_email(session, user_id, apart_from=apart_from)
    _record(session, user_id, AuditAction.EMAIL_CONFIRMED)


def _record(session: Session, user_id: UUID, action: AuditAction) -> None:
    # The bearer of a link acts: no one is signed in.
    audit.record(session, actor=None, action=action, subject=ids.encode("usr", user_id))
