"""Login sessions of staff in a browser.

The browser holds a random secret; the database holds its hash, and is the truth: a session ends
when it is revoked, half an hour after the person last did something, and half a day after it
began, whatever the browser still holds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from app.access import Actor, Role
from app.access.policy import permissions_named
from app.kit import clock, ids
from app.kit.db import Session

IDLE = timedelta(minutes=30)
LIFETIME = timedelta(hours=12)
# A write for each page would be one too many.
_SEEN_STEP = timedelta(minutes=1)
_SECRET_BYTES = 32

_OPEN = """
INSERT INTO login_sessions (id, user_id, created_at, expires_at, secret_hash, seen_at)
VALUES (%(id)s, %(user)s, %(now)s, %(expires_at)s, %(hash)s, %(now)s)
"""
_END = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = 'logged_out'
WHERE secret_hash = %s AND revoked_at IS NULL
"""
_FIND = """
SELECT s.id, s.seen_at, u.id, u.email, u.role, u.branch_id, u.first_name, u.last_name,
    u.email_confirmed_at IS NOT NULL,
    (SELECT string_agg(g.permission, ' ') FROM role_grants g WHERE g.role = u.role)
FROM login_sessions s JOIN users u ON u.id = s.user_id
WHERE s.secret_hash = %s AND s.revoked_at IS NULL AND s.expires_at > %s AND s.seen_at > %s
    AND u.status = 'active' AND u.role <> 'USER'
"""


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A member of staff at their browser."""

    actor: Actor
    name: str
    seen_at: datetime


def find(session: Session, secret: str) -> StaffMember | None:
    """Whose session the secret opens; None when it opens none, or no longer."""
    now = clock.now()
    row = session.row(_FIND, (_hash(secret), now, now - IDLE))
    if row is None:
        return None
    session_id, seen_at, user_id, email, role, branch_id, first_name, last_name, *rest = row
    confirmed, names = rest
    permissions = permissions_named(names or "")
    actor = Actor(user_id, session_id, email, Role(role), permissions, branch_id, confirmed)
    return StaffMember(actor, f"{first_name} {last_name}", seen_at)


def is_due(member: StaffMember) -> bool:
    """Whether what the member does now is worth remembering."""
    return clock.now() - member.seen_at >= _SEEN_STEP


def remember(session: Session, member: StaffMember) -> None:
    """The member did something now: their session stays open."""
    session.send(
        "UPDATE login_sessions SET seen_at = %s WHERE id = %s",
        (clock.now(), member.actor.session_id),
    )


def begin(session: Session, user_id: UUID, *, replaces: str | None) -> str:
    """Open a session and answer its secret. The one that the browser had until now ends."""
    if replaces is not None:
        session.send(_END, (clock.now(), _hash(replaces)))
    now = clock.now()
    secret = token_urlsafe(_SECRET_BYTES)
    values = {"id": ids.new(), "user": user_id, "now": now, "expires_at": now + LIFETIME}
    session.send(_OPEN, {**values, "hash": _hash(secret)})
    return secret


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
