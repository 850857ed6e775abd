"""The background tasks of identity."""

from uuid import UUID

from app.identity.accounts import invitations, phone_verification
from app.identity.credentials import one_time_tokens, passkeys, password_reset
from app.identity.sign_in import kept_forms, lockout
from app.kit import clock
from app.kit.db import Session
from app.kit.tasks import Queue, task

_DELETE_TOKENS = """
DELETE FROM refresh_tokens t USING login_sessions s WHERE s.id = t.session_id AND s.expires_at <= %s
"""
_DELETE_SESSIONS = "DELETE FROM login_sessions WHERE expires_at <= %s"


@task("identity.forget_expired", queue=Queue.NIGHTLY)
def delete_expired(session: Session) -> None:
    """Delete expired sessions with their tokens, pending sign-ins, challenges, links, kept forms,
    failure counters and invitations that no one approved."""
    now = clock.now()
    session.send(_DELETE_TOKENS, (now,))
    session.send(_DELETE_SESSIONS, (now,))
    session.send("DELETE FROM sign_ins WHERE expires_at <= %s", (now,))
    one_time_tokens.delete_expired(session, now)
    passkeys.delete_expired(session, now)
    kept_forms.delete_expired(session, now)
    lockout.delete_expired(session, now)
    phone_verification.delete_old(session, now)
    invitations.delete_expired_requests(session)


@task("identity.send_reset_link", queue=Queue.MESSAGES)
def send_reset_link(session: Session, *, user_id: str | None) -> None:
    """Email a reset link; None if no account has the email address that was entered."""
    if user_id is not None:
        password_reset.send_reset_link(session, UUID(user_id))
