"""Login sessions of staff in a browser.

The browser holds a random secret; the database holds its hash, and is the truth: a session ends
when it is revoked, half an hour after the person last did something, and half a day after it
began, whatever the browser still holds. The secret is another one after each proof of identity:
at sign-in, and before a sensitive act.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from app.access import Actor, Role
from app.access.policy import parse_permissions
from app.audit import service as audit
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound

IDLE_LIMIT = timedelta(minutes=30)
#: For so long after a proof of identity, sensitive acts ask for no other.
PROOF_LIFETIME = timedelta(minutes=10)
LIFETIME = timedelta(hours=12)
# A write for each page would be one too many.
_SEEN_STEP = timedelta(minutes=1)
_SECRET_BYTES = 32
BROWSER_LENGTH_MAX = 300

_OPEN = """
INSERT INTO login_sessions (id, user_id, created_at, expires_at, secret_hash, seen_at, proven_at,
    browser, network)
VALUES (%(id)s, %(user)s, %(now)s, %(expires_at)s, %(hash)s, %(now)s, %(now)s,
    %(browser)s, %(network)s)
"""
_RENEW = """
UPDATE login_sessions SET secret_hash = %s, proven_at = %s, seen_at = %s
WHERE id = %s AND user_id = %s AND secret_hash IS NOT NULL AND revoked_at IS NULL
RETURNING id
"""
_LIST_OWN = """
SELECT id, created_at, coalesce(seen_at, created_at), browser, network, secret_hash IS NOT NULL
FROM login_sessions
WHERE user_id = %s AND revoked_at IS NULL AND expires_at > %s
    AND (seen_at IS NULL OR seen_at > %s)
ORDER BY coalesce(seen_at, created_at) DESC, id
"""
_END_OWN = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = 'logged_out'
WHERE id = %s AND user_id = %s AND revoked_at IS NULL RETURNING id
"""
_END_OTHERS = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = 'logged_out'
WHERE user_id = %s AND id <> %s AND revoked_at IS NULL RETURNING id
"""
_END = """
UPDATE login_sessions SET revoked_at = %s, revoked_reason = 'logged_out'
WHERE secret_hash = %s AND revoked_at IS NULL
"""
_FIND = """
SELECT s.id, s.seen_at, s.proven_at, u.id, u.email, u.role, u.branch_id, u.first_name, u.last_name,
    u.email_confirmed_at IS NOT NULL,
    (SELECT string_agg(g.permission, ' ') FROM role_grants g WHERE g.role = u.role)
FROM login_sessions s JOIN users u ON u.id = s.user_id
WHERE s.secret_hash = %s AND s.revoked_at IS NULL AND s.expires_at > %s AND s.seen_at > %s
    AND u.status = 'active' AND u.role <> 'USER'
"""


@dataclass(frozen=True, slots=True)
class Device:
    """Where somebody signs in: the sender's network, and what the browser calls itself."""

    network: str
    browser: str


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A member of staff at their browser."""

    actor: Actor
    name: str
    seen_at: datetime
    proven_at: datetime

    @property
    def is_recently_proven(self) -> bool:
        """Whether the person proved who they are a short while ago."""
        return clock.now() - self.proven_at < PROOF_LIFETIME


@dataclass(frozen=True, slots=True)
class LoginSessionSummary:
    """A session as its owner sees it. One without a browser is a program's, of the API."""

    id: UUID
    began_at: datetime
    seen_at: datetime
    browser: str | None
    network: str | None
    in_browser: bool

    @property
    def public_id(self) -> str:
        """Its id in forms."""
        return ids.encode("ses", self.id)


def find_member(session: Session, secret: str) -> StaffMember | None:
    """Whose session the secret opens; None when it opens none, or no longer."""
    now = clock.now()
    row = session.row(_FIND, (_hash(secret), now, now - IDLE_LIMIT))
    if row is None:
        return None
    session_id, seen_at, proven_at, *who, branch_id, first_name, last_name, confirmed, names = row
    user_id, email, role = who
    permissions = parse_permissions(names or "")
    actor = Actor(user_id, session_id, email, Role(role), permissions, branch_id, confirmed)
    return StaffMember(actor, f"{first_name} {last_name}", seen_at, proven_at)


def is_update_due(member: StaffMember) -> bool:
    """Whether what the member does now is worth remembering."""
    return clock.now() - member.seen_at >= _SEEN_STEP


def record_activity(session: Session, member: StaffMember) -> None:
    """The member did something now: their session stays open."""
    session.send(
        "UPDATE login_sessions SET seen_at = %s WHERE id = %s",
        (clock.now(), member.actor.session_id),
    )


def open_session(session: Session, user_id: UUID, device: Device, *, replaces: str | None) -> str:
    """Open a session and answer its secret. The one that the browser had until now ends."""
    end_session(session, replaces)
    now = clock.now()
    secret = token_urlsafe(_SECRET_BYTES)
    values = {"id": ids.new(), "user": user_id, "now": now, "expires_at": now + LIFETIME}
    told = {"browser": device.browser[:BROWSER_LENGTH_MAX], "network": device.network}
    session.send(_OPEN, {**values, **told, "hash": _hash(secret)})
    return secret


def end_session(session: Session, secret: str | None) -> None:
    """End the session that the secret opens, if it opens one."""
    if secret is not None:
        session.send(_END, (clock.now(), _hash(secret)))


def renew_secret(session: Session, actor: Actor) -> str | None:
    """The person has proven again who they are: the session goes on under another secret, which is
    answered. None when it was ended meanwhile."""
    secret, now = token_urlsafe(_SECRET_BYTES), clock.now()
    row = session.row(_RENEW, (_hash(secret), now, now, actor.session_id, actor.user_id))
    return secret if row else None


def list_own(session: Session, actor: Actor) -> list[LoginSessionSummary]:
    """The person's sessions that count, the one used last first."""
    now = clock.now()
    rows = session.rows(_LIST_OWN, (actor.user_id, now, now - IDLE_LIMIT))
    return [LoginSessionSummary(*row) for row in rows]


def end_own(session: Session, actor: Actor, public_id: str) -> None:
    """End one of one's own sessions, at once. Raises `NotFound`."""
    values = (clock.now(), ids.decode("ses", public_id), actor.user_id)
    if session.row(_END_OWN, values) is None:
        raise NotFound
    audit.record(session, actor=actor, action="session.closed", subject=public_id)


def end_others(session: Session, actor: Actor) -> int:
    """End all of one's own sessions but this one, at once; answers how many."""
    ended = session.rows(_END_OTHERS, (clock.now(), actor.user_id, actor.session_id))
    for (session_id,) in ended:
        subject = ids.encode("ses", session_id)
        audit.record(session, actor=actor, action="session.closed", subject=subject)
    return len(ended)


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
