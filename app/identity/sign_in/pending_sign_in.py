"""Sign-ins of staff that are half done: the password was right, the second factor is missing.

A row that lasts minutes, and a secret in the browser that gave the password. Nothing that a form
says is believed: who is signing in stands in the row.
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
# Whatever ends a sign-in holds the person's row; so the row of the sign-in is read after it.
_LOCK = """
SELECT FROM users WHERE id = (SELECT user_id FROM sign_ins WHERE secret_hash = %s)
FOR NO KEY UPDATE
"""
_END = "DELETE FROM sign_ins WHERE secret_hash = %s"
_HAS_PASSKEY = "SELECT FROM passkeys WHERE user_id = %s LIMIT 1"


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """Who is signing in, and what they can prove it with."""

    user_id: UUID
    email: str
    email_key: str
    role: Role
    has_app: bool
    has_passkey: bool

    @property
    def needs_second_factor(self) -> bool:
        """Whether the person has no second factor and is to choose one now."""
        return not (self.has_app or self.has_passkey)

    @property
    def actor(self) -> Actor:
        """The person, who may do nothing yet but name a second factor."""
        return Actor(self.user_id, None, self.email, self.role, frozenset())


def start_pending(session: Session, user_id: UUID) -> str:
    """Remember that the person gave the right password; answers the browser's secret."""
    secret, now = token_urlsafe(_SECRET_BYTES), clock.now()
    session.send(_START, (_hash(secret), user_id, now, now + LIFETIME))
    return secret


def find_pending(session: Session, secret: str | None) -> PendingSignIn | None:
    """Who is signing in with this secret; None for nobody, or nobody any more."""
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
    """The same, with the person's row locked: of many at once, one goes on and the others wait."""
    if secret is not None:
        session.send(_LOCK, (_hash(secret),))
    return find_pending(session, secret)


def end_pending(session: Session, secret: str) -> None:
    """The sign-in is finished or given up."""
    session.send(_END, (_hash(secret),))


def has_passkey(session: Session, user_id: UUID) -> bool:
    """Whether the person has registered a passkey."""
    return session.row(_HAS_PASSKEY, (user_id,)) is not None


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
