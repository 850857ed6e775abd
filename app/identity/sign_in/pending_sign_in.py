"""Pending sign-ins of staff: the password was right, the second factor is missing.

A row that lasts minutes, and a secret in the browser that sent the password. The row names the
person; forms are not trusted to.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from app.access import Actor, Role
from app.identity.credentials import second_factor
from app.kit import clock
from app.kit.db import Session

LIFETIME = timedelta(minutes=10)
_SECRET_BYTES = 32

_START = """
INSERT INTO sign_ins (secret_hash, user_id, started_at, expires_at) VALUES (%s, %s, %s, %s)
"""
_FIND = """
SELECT u.id, u.email, u.email_key, u.role
FROM sign_ins i JOIN users u ON u.id = i.user_id
WHERE i.secret_hash = %s AND i.expires_at > %s AND u.status = 'active' AND u.role <> 'USER'
"""
# Every change that ends a sign-in locks the person's row, so the sign-in is read after that lock.
_LOCK = """
SELECT FROM users WHERE id = (SELECT user_id FROM sign_ins WHERE secret_hash = %s)
FOR NO KEY UPDATE
"""
_END = "DELETE FROM sign_ins WHERE secret_hash = %s"
_HAS_PASSKEY = "SELECT FROM passkeys WHERE user_id = %s LIMIT 1"


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """The person who is signing in, and their second factors."""

    user_id: UUID
    email: str
    email_key: str
    role: Role
    has_app: bool
    has_passkey: bool

    @property
    def needs_second_factor(self) -> bool:
        """Whether the person has no second factor and must set one up now."""
        return not (self.has_app or self.has_passkey)

    @property
    def actor(self) -> Actor:
        """The person as an actor without permissions, who can only set up a second factor."""
        return Actor(self.user_id, None, self.email, self.role, frozenset())


def start_pending(session: Session, user_id: UUID) -> str:
    """Start a pending sign-in after the right password. Returns the browser's secret."""
    secret, now = token_urlsafe(_SECRET_BYTES), clock.now()
    session.send(_START, (_hash(secret), user_id, now, now + LIFETIME))
    return secret


def find_pending(session: Session, secret: str | None) -> PendingSignIn | None:
    """Return the pending sign-in of this secret; None if unknown or expired."""
    if secret is None:
        return None
    row = session.row(_FIND, (_hash(secret), clock.now()))
    if row is None:
        return None
    user_id, email, email_key, role = row
    has_app = second_factor.is_on(session, user_id)
    return PendingSignIn(
        user_id, email, email_key, Role(role), has_app, has_passkey(session, user_id)
    )


def lock_pending(session: Session, secret: str | None) -> PendingSignIn | None:
    """Return the pending sign-in with the person's row locked; None if unknown or expired."""
    if secret is not None:
        session.send(_LOCK, (_hash(secret),))
    return find_pending(session, secret)


def end_pending(session: Session, secret: str) -> None:
    """Delete the pending sign-in."""
    session.send(_END, (_hash(secret),))


def has_passkey(session: Session, user_id: UUID) -> bool:
    """Return whether the person has a passkey."""
    return session.row(_HAS_PASSKEY, (user_id,)) is not None


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
