"""Login sessions as their owner sees them, and how they end: at once, with a reason."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.models import LoginSession, RefreshToken, SignIn
from app.identity.sign_in import rules
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import fetch_newest
from app.kit.pagination import Page
from app.kit.statements import AnySelect

DEVICE_LENGTH_MAX = 300


class Revocation(StrEnum):
    """Why a login session ended before it expired."""

    LOGGED_OUT = "logged_out"
    """The person signed out, or ended it from another session."""
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a reason, no secret
    """A refresh token was used twice: it was stolen."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, no secret
    """The person changed or reset their password, which ends every other session."""
    SECOND_FACTOR_CHANGED = "second_factor_changed"
    """The person switched a second factor on, which ends every other session: those were opened
    without it. Or staff removed a lost one, which ends every session."""
    EMAIL_CONFIRMED = "email_confirmed"
    """The address was proven: the person who signed in before may not have been its owner."""
    ROLE_CHANGED = "role_changed"
    """The person's role changed: sessions of the old role do not carry over."""
    SUSPENDED = "suspended"
    """The person was suspended."""
    ENDED_BY_STAFF = "ended_by_staff"
    """Staff ended every session, at the person's request."""


@dataclass(frozen=True, slots=True)
class Device:
    """The device of a sign-in: network and user agent."""

    network: str
    browser: str


@dataclass(frozen=True, slots=True)
class LoginSessionSummary:
    """A session as its owner sees it. Without a browser's page it belongs to an API client."""

    id: UUID
    began_at: datetime
    seen_at: datetime
    expires_at: datetime
    browser: str | None
    network: str | None
    in_browser: bool

    @property
    def public_id(self) -> str:
        """The id outside the database."""
        return ids.encode("ses", self.id)


def list_own(session: Session, actor: Actor) -> list[LoginSessionSummary]:
    """Return the actor's active sessions, the most recently used first."""
    return list_of(session, actor.user_id)


def list_of(session: Session, user_id: UUID) -> list[LoginSessionSummary]:
    """Return a person's active sessions, the most recently used first."""
    select = _active_sessions(user_id, clock.now())
    found = session.select(LoginSessionSummary, select)
    return sorted(found, key=lambda each: (each.seen_at, each.id), reverse=True)


def list_newest(
    session: Session, actor: Actor, *, limit: int, before: UUID | None
) -> Page[LoginSessionSummary]:
    """Return a page of the actor's active sessions, newest first."""
    select = _active_sessions(actor.user_id, clock.now())
    return fetch_newest(
        session, LoginSessionSummary, select, LoginSession.id, limit=limit, before=before
    )


def end_own(session: Session, actor: Actor, public_id: str) -> None:
    """End one of the actor's sessions at once. Raises `NotFound`."""
    session_id = ids.decode("ses", public_id)
    if not _end(session, actor, LoginSession.id == session_id):
        raise NotFound


def end_others(session: Session, actor: Actor) -> int:
    """End all other sessions of the actor at once. Returns how many."""
    return _end(session, actor, LoginSession.id.is_distinct_from(actor.session_id))


def revoke(session: Session, session_id: UUID, reason: Revocation) -> None:
    """End a session with all its tokens at once. Keeps the first reason."""
    session.write(_revocation(reason).where(LoginSession.id == session_id))


def revoke_all(
    session: Session, user_id: UUID, reason: Revocation, *, apart_from: UUID | None = None
) -> None:
    """End every session, apart from one, and pending sign-in of a person at once. Keeps the first
    reason."""
    session.write(
        _revocation(reason).where(
            LoginSession.user_id == user_id, LoginSession.id.is_distinct_from(apart_from)
        )
    )
    session.write(sa.delete(SignIn).where(SignIn.user_id == user_id))


def end_unprotected(session: Session, actor: Actor) -> None:
    """End the actor's other sessions, which were opened without the second factor of now."""
    reason, kept = Revocation.SECOND_FACTOR_CHANGED, actor.session_id
    revoke_all(session, actor.user_id, reason, apart_from=kept)


def _active_sessions(user_id: UUID, now: datetime) -> AnySelect:
    # A program shows that it is active by refreshing its tokens.
    refreshed_at = (
        sa.select(sa.func.max(RefreshToken.issued_at))
        .where(RefreshToken.session_id == LoginSession.id)
        .scalar_subquery()
    )
    return sa.select(
        LoginSession.id,
        LoginSession.created_at.label("began_at"),
        sa.func.coalesce(LoginSession.seen_at, refreshed_at, LoginSession.created_at).label(
            "seen_at"
        ),
        LoginSession.expires_at,
        LoginSession.browser,
        LoginSession.network,
        LoginSession.secret_hash.is_not(None).label("in_browser"),
    ).where(
        LoginSession.user_id == user_id,
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > now,
        sa.or_(LoginSession.seen_at.is_(None), LoginSession.seen_at > now - rules.IDLE_LIMIT),
    )


def _end(session: Session, actor: Actor, which: sa.ColumnElement[bool]) -> int:
    ended = session.select(
        lambda session_id: session_id,
        _revocation(Revocation.LOGGED_OUT)
        .where(LoginSession.user_id == actor.user_id, which)
        .returning(LoginSession.id.label("session_id")),
    )
    for session_id in ended:
        subject = ids.encode("ses", session_id)
        audit.record(session, actor=actor, action=AuditAction.SESSION_CLOSED, subject=subject)
    return len(ended)


def _revocation(reason: Revocation) -> sa.Update:
    return (
        sa.update(LoginSession)
        .values(revoked_at=clock.now(), revoked_reason=reason)
        .where(LoginSession.revoked_at.is_(None))
    )
