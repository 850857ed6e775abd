"""Delete expired credentials and sessions."""

from app.identity.credentials import one_time_tokens, passkeys
from app.identity.sign_in import lockout
from app.kit import clock
from app.kit.db import Session
from app.kit.tasks import task

_FORGET_TOKENS = """
DELETE FROM refresh_tokens t USING login_sessions s WHERE s.id = t.session_id AND s.expires_at <= %s
"""
_FORGET = "DELETE FROM login_sessions WHERE expires_at <= %s"


@task("identity.forget_expired")
def delete_expired(session: Session) -> None:
    """Delete what can never count again: ended sessions with their tokens, sign-ins, passkeys'
    questions and links whose time is over, and old counters."""
    now = clock.now()
    session.send(_FORGET_TOKENS, (now,))
    session.send(_FORGET, (now,))
    session.send("DELETE FROM sign_ins WHERE expires_at <= %s", (now,))
    one_time_tokens.delete_expired(session, now)
    passkeys.delete_expired(session, now)
    lockout.delete_expired(session, now)
