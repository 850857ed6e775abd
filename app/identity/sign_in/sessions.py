"""Reasons why login sessions end before their time, and ending them."""

from enum import StrEnum
from uuid import UUID

from app.kit import clock
from app.kit.db import Session

_REVOKE = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = %s WHERE id = %s AND revoked_at IS NULL
"""
_REVOKE_ALL = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = %s
WHERE user_id = %s AND revoked_at IS NULL
"""


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
