"""The verbs of API login sessions: sign in, refresh, sign out.

Their refusals keep what they recorded: a failed attempt, a stolen token.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.identity.accounts import queries as account_queries
from app.identity.accounts import rules as account_rules
from app.identity.accounts.queries import PersonProfile
from app.identity.errors import TokenInvalid
from app.identity.models import LoginSession
from app.identity.sign_in import password_proof, sessions
from app.identity.sign_in.access_tokens import AccessTokens
from app.identity.sign_in.lockout import FailureCounters
from app.identity.sign_in.password_proof import PasswordAttempt
from app.identity.sign_in.sessions import DEVICE_LENGTH_MAX, Device, Revocation
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ports import resolve

SESSION_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """A person's new tokens. `expires_in` is the access token's lifetime in seconds."""

    user: PersonProfile
    access_token: str
    refresh_token: str
    expires_in: int


# Proving a password: begin (reads), check (slow, no transaction), then one verb that concludes.


def begin_sign_in(session: Session, *, email: str, network: str) -> PasswordAttempt:
    """Begin an attempt to sign in from `network`, the sender's address range as the edge counts it.

    Raises `Invalid` for a malformed email address and `RateLimited` after too many failures.
    """
    key = account_rules.normalize_email(email)
    row = session.row("SELECT id, password_hash FROM users WHERE email_key = %s", (key,))
    user_id, password_hash = row or (None, None)
    return password_proof.begin_attempt(
        session, PasswordAttempt(FailureCounters.for_attempt(key, network), user_id, password_hash)
    )


def conclude_sign_in(
    session: Session,
    attempt: PasswordAttempt,
    code: str | None = None,
    *,
    device: Device | None = None,
    staff_need_second_factor: bool = True,
) -> IssuedTokens:
    """Open a login session on this device. `code` is the second-factor code.

    Raises as `password_proof.conclude_password_and_code`.
    """
    user_id = password_proof.conclude_password_and_code(
        session,
        attempt,
        code,
        AuditAction.SESSION_OPENED,
        staff_need_second_factor=staff_need_second_factor,
    )
    if attempt.new_hash:
        password_proof.store_hash(session, user_id, attempt.new_hash)
    password_proof.record_success(session, attempt, AuditAction.SESSION_OPENED)
    return open_session(session, user_id, device)


# Sessions and their tokens

_LOCK_REFRESH = """
    SELECT t.session_id, t.used_at, s.user_id, s.expires_at
    FROM refresh_tokens t
    JOIN login_sessions s ON s.id = t.session_id
    JOIN users u ON u.id = s.user_id
    WHERE t.token_hash = %s AND s.revoked_at IS NULL AND s.expires_at > %s AND u.status = 'active'
    FOR UPDATE OF t
"""


def refresh(session: Session, refresh_token: str) -> IssuedTokens:
    """Exchange a refresh token, which works once, for new tokens.

    A second use means that the token was stolen: the whole session is revoked, including the tokens
    of the first exchange. The same holds for concurrent exchanges: one wins and the other ends the
    session. Raises `TokenInvalid`, which keeps the revocation and its record.
    """
    now = clock.now()
    token_hash = _hash(refresh_token)
    row = session.row(_LOCK_REFRESH, (token_hash, now))
    if row is None:
        raise TokenInvalid
    session_id, used_at, user_id, expires_at = row
    if used_at is not None:
        sessions.revoke(session, session_id, Revocation.TOKEN_REUSED)
        audit.record(
            session,
            actor=None,
            action=AuditAction.TOKEN_REUSED,
            subject=ids.encode("usr", user_id),
            after={"session": ids.encode("ses", session_id), "revoked": "all its tokens"},
            outcome=AuditOutcome.DENIED,
        )
        raise TokenInvalid().keeping_records()
    session.send("UPDATE refresh_tokens SET used_at = %s WHERE token_hash = %s", (now, token_hash))
    return _issue_tokens(session, user_id, session_id, expires_at)


def sign_out(session: Session, actor: Actor) -> None:
    """End the actor's session at once. Idempotent."""
    if actor.session_id is not None:
        sessions.revoke(session, actor.session_id, Revocation.LOGGED_OUT)
        audit.record(
            session,
            actor=actor,
            action=AuditAction.SESSION_CLOSED,
            subject=ids.encode("ses", actor.session_id),
        )


def open_session(session: Session, user_id: UUID, device: Device | None = None) -> IssuedTokens:
    """Open a login session for the person who proved their identity just now, on this device, and
    issue its tokens."""
    session_id = ids.new()
    now = clock.now()
    expires_at = now + SESSION_LIFETIME
    session.write(
        sa.insert(LoginSession).values(
            id=session_id,
            user_id=user_id,
            created_at=now,
            expires_at=expires_at,
            proven_at=now,
            browser=device.browser[:DEVICE_LENGTH_MAX] if device else None,
            network=device.network if device else None,
        )
    )
    return _issue_tokens(session, user_id, session_id, expires_at)


def _issue_tokens(
    session: Session, user_id: UUID, session_id: UUID, expires_at: datetime
) -> IssuedTokens:
    refresh_token = token_urlsafe(32)
    session.send(
        "INSERT INTO refresh_tokens (token_hash, session_id, issued_at) VALUES (%s, %s, %s)",
        (_hash(refresh_token), session_id, clock.now()),
    )
    access_token, expires_in = resolve(AccessTokens).issue(
        user_id=user_id, session_id=session_id, session_expires_at=expires_at
    )
    person = account_queries.get_person(session, user_id)
    return IssuedTokens(person, access_token, refresh_token, expires_in)


def _hash(refresh_token: str) -> bytes:
    return sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
