"""Why login sessions end before their time, and ending them."""

from enum import StrEnum
from uuid import UUID

from app.identity import lockout, one_time, passkeys
from app.kit import clock
from app.kit.db import Session
from app.kit.tasks import task

_REVOKE = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = %s WHERE id = %s AND revoked_at IS NULL
"""
_REVOKE_ALL = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = %s
WHERE user_id = %s AND revoked_at IS NULL
"""
_FORGET_TOKENS = """
DELETE FROM refresh_tokens t USING login_sessions s WHERE s.id = t.session_id AND s.expires_at <= %s
"""
_FORGET = "DELETE FROM login_sessions WHERE expires_at <= %s"


class Revocation(StrEnum):
    """Why a login session ended before its time."""

    LOGGED_OUT = "logged_out"
    """The person logged out."""
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a reason, no secret
    """A refresh token came a second time: one of the two was stolen."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, no secret
    """The person changed their password, or reset it, which ends every session."""
    ROLE_CHANGED = "role_changed"
    """The person was given another role: what was opened for the old one is not for the new."""
    SUSPENDED = "suspended"
    """The person was suspended."""


def revoke(session: Session, session_id: UUID, reason: Revocation) -> None:
    """End a session, at once, with all its tokens. The first reason stays."""
    session.send(_REVOKE, (clock.now(), reason, session_id))


def revoke_all(session: Session, user_id: UUID, reason: Revocation) -> None:
    """End every session of a person, at once, and every sign-in that is half done. The first
    reason stays."""
    session.send(_REVOKE_ALL, (clock.now(), reason, user_id))
    session.send("DELETE FROM sign_ins WHERE user_id = %s", (user_id,))


@task("identity.forget_expired")
def forget_expired(session: Session) -> None:
    """Delete what can never count again: ended sessions with their tokens, sign-ins, passkeys'
    questions and links whose time is over, and old counters."""
    now = clock.now()
    session.send(_FORGET_TOKENS, (now,))
    session.send(_FORGET, (now,))
    session.send("DELETE FROM sign_ins WHERE expires_at <= %s", (now,))
    one_time.forget_expired(session, now)
    passkeys.forget_expired(session, now)
    lockout.forget_old(session, now)
