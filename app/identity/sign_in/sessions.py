"""Revoke login sessions, with a reason."""

from enum import StrEnum
from uuid import UUID

from app.kit import clock
from app.kit.db import Session

_REVOKE = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = %s WHERE id = %s AND revoked_at IS NULL
"""
_REVOKE_ALL = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = %s
WHERE user_id = %s AND revoked_at IS NULL AND id IS DISTINCT FROM %s
"""


class Revocation(StrEnum):
    """Why a login session ended before it expired."""

    LOGGED_OUT = "logged_out"
    """The person signed out."""
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a reason, no secret
    """A refresh token was used twice: it was stolen."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, no secret
    """The person changed or reset their password, which ends every other session."""
    ROLE_CHANGED = "role_changed"
    """The person's role changed: sessions of the old role do not carry over."""
    SUSPENDED = "suspended"
    """The person was suspended."""


def revoke(session: Session, session_id: UUID, reason: Revocation) -> None:
    """End a session with all its tokens at once. Keeps the first reason."""
    session.send(_REVOKE, (clock.now(), reason, session_id))


def revoke_all(
    session: Session, user_id: UUID, reason: Revocation, *, apart_from: UUID | None = None
) -> None:
    """End every session, apart from one, and pending sign-in of a person at once. Keeps the first
    reason."""
    session.send(_REVOKE_ALL, (clock.now(), reason, user_id, apart_from))
    session.send("DELETE FROM sign_ins WHERE user_id = %s", (user_id,))
