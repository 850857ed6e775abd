"""Login sessions of staff browsers.

The browser holds a random secret and the database its hash. The database decides: a session ends
when it is revoked, half an hour after the person's last activity and half a day after it began,
whatever the browser holds. Each proof of identity replaces the secret: at sign-in and before a
sensitive act.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from app.access import Actor, Role
from app.access.policy import parse_permissions
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.sign_in import recent_proof, rules
from app.identity.sign_in.sessions import DEVICE_LENGTH_MAX, Device
from app.kit import clock, ids
from app.kit.db import Session

LIFETIME = timedelta(hours=12)
# The last activity is written once a minute, not for each page.
_SEEN_STEP = timedelta(minutes=1)
_SECRET_BYTES = 32

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
# One that has timed out needs no other end, which would take its kept forms with it.
_END = """
UPDATE login_sessions SET revoked_at = %(now)s, revoked_reason = 'logged_out'
WHERE secret_hash = %(hash)s AND revoked_at IS NULL
    AND expires_at > %(now)s AND seen_at > %(idle_since)s
RETURNING id, user_id
"""
_FIND_TIMED_OUT = """
SELECT s.id, s.user_id FROM login_sessions s JOIN users u ON u.id = s.user_id
WHERE s.secret_hash = %(hash)s AND s.revoked_at IS NULL
    AND (s.expires_at <= %(now)s OR s.seen_at <= %(idle_since)s)
    AND u.status = 'active' AND u.role <> 'USER'
"""
_FIND = """
SELECT s.id, s.seen_at, s.proven_at, u.id, u.email, u.role, u.branch_id, u.first_name, u.last_name,
    u.single_keys, u.email_confirmed_at IS NOT NULL,
    (SELECT string_agg(g.permission, ' ') FROM role_grants g WHERE g.role = u.role)
FROM login_sessions s JOIN users u ON u.id = s.user_id
WHERE s.secret_hash = %s AND s.revoked_at IS NULL AND s.expires_at > %s AND s.seen_at > %s
    AND u.status = 'active' AND u.role <> 'USER'
"""


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A member of staff signed in at a browser."""

    actor: Actor
    name: str
    seen_at: datetime
    #: Whether a letter alone is a shortcut.
    single_keys: bool

    @property
    def is_recently_proven(self) -> bool:
        """Whether the last proof of identity is recent enough for sensitive acts."""
        return recent_proof.is_recently_proven(self.actor)


@dataclass(frozen=True, slots=True)
class TimedOutSession:
    """A session that ended because its time was over, and whose it was."""

    id: UUID
    user_id: UUID


def find_member(session: Session, secret: str) -> StaffMember | None:
    """Return the member of staff whose session has this secret; None if unknown or ended."""
    now = clock.now()
    row = session.row(_FIND, (_hash(secret), now, now - rules.IDLE_LIMIT))
    if row is None:
        return None
    session_id, seen_at, proven_at, *person, single_keys, confirmed, names = row
    user_id, email, role, branch_id, first_name, last_name = person
    permissions = parse_permissions(names or "")
    actor = Actor(
        user_id, session_id, email, Role(role), permissions, branch_id, confirmed, proven_at
    )
    return StaffMember(actor, f"{first_name} {last_name}", seen_at, single_keys)


def is_update_due(member: StaffMember) -> bool:
    """Return whether the recorded activity is old enough to be updated."""
    return clock.now() - member.seen_at >= _SEEN_STEP


def record_activity(session: Session, member: StaffMember) -> None:
    """Record activity of the member now, which keeps the session open."""
    session.send(
        "UPDATE login_sessions SET seen_at = %s WHERE id = %s",
        (clock.now(), member.actor.session_id),
    )


def open_session(session: Session, user_id: UUID, device: Device, *, replaces: str | None) -> str:
    """Open a session and return its secret. Ends the browser's previous session."""
    end_session(session, replaces)
    now = clock.now()
    secret = token_urlsafe(_SECRET_BYTES)
    values = {"id": ids.new(), "user": user_id, "now": now, "expires_at": now + LIFETIME}
    origin = {"browser": device.browser[:DEVICE_LENGTH_MAX], "network": device.network}
    session.send(_OPEN, {**values, **origin, "hash": _hash(secret)})
    return secret


def end_session(session: Session, secret: str | None) -> None:
    """End the session that has this secret, if any, and record that another sign-in ended it."""
    row = session.row(_END, _moment_of(secret)) if secret is not None else None
    if row is not None:
        session_id, user_id = row
        audit.record(
            session,
            actor=None,
            action=AuditAction.SESSION_CLOSED,
            subject=ids.encode("ses", session_id),
            after={"owner": ids.encode("usr", user_id)},
            reason="with another sign-in in the same browser",
        )


def find_timed_out(session: Session, secret: str | None) -> TimedOutSession | None:
    """Return the session of staff that had this secret until it was unused for too long, or until
    its time was over; None if it is open, unknown, or was ended in another way."""
    row = session.row(_FIND_TIMED_OUT, _moment_of(secret)) if secret is not None else None
    return TimedOutSession(*row) if row else None


def renew_secret(session: Session, actor: Actor) -> str | None:
    """Replace the session's secret after a new proof of identity and return it.

    Returns None if the session has ended meanwhile.
    """
    secret, now = token_urlsafe(_SECRET_BYTES), clock.now()
    row = session.row(_RENEW, (_hash(secret), now, now, actor.session_id, actor.user_id))
    return secret if row else None


def _moment_of(secret: str) -> dict[str, object]:
    now = clock.now()
    return {"hash": _hash(secret), "now": now, "idle_since": now - rules.IDLE_LIMIT}


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
