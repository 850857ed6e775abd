"""Who may do what at this very moment, and that the house never loses its last administrator.

Whatever changes who may do what takes one lock first: such changes are rare, and one after the
other none of them can decide on what another is about to change.
"""

from uuid import UUID

from app.access import Actor, Permission, Role
from app.access.policy import parse_permissions
from app.identity.errors import LastAdministrator
from app.kit.db import Session
from app.kit.errors import PermissionDenied

_LOCK = "SELECT pg_advisory_xact_lock(7226002)"
_ACTING = """
SELECT u.email, u.role, u.branch_id,
    (SELECT string_agg(g.permission, ' ') FROM role_grants g WHERE g.role = u.role)
FROM users u WHERE u.id = %s AND u.status = 'active' FOR SHARE OF u
"""
_WHO_MAY = """
SELECT u.id FROM users u WHERE u.status = 'active' AND u.role IN (
    SELECT role FROM role_grants WHERE permission = ANY(%s) GROUP BY role HAVING count(*) = %s
) ORDER BY u.id
"""
_GOVERNED = """
SELECT EXISTS (SELECT FROM users WHERE role = %s AND status = 'active'),
    EXISTS (SELECT FROM users u JOIN role_grants g ON g.role = u.role
        WHERE g.permission = %s AND u.status = 'active')
"""


class DatabasePermissions:
    """What approvals ask (approvals/ports.py), answered by the database."""

    def lock_actor(self, session: Session, user_id: UUID, session_id: UUID | None = None) -> Actor:
        """The person with the permissions they have now, which nobody changes before this
        transaction ends. Raises `PermissionDenied` for somebody suspended or gone."""
        return lock_actor(session, user_id, session_id)

    def find_holders(self, session: Session, permissions: frozenset[Permission]) -> list[UUID]:
        """Everybody active who may do all of this now."""
        rows = session.rows(_WHO_MAY, (sorted(permissions), len(permissions)))
        return [user_id for (user_id,) in rows]


def lock_actor(session: Session, user_id: UUID, session_id: UUID | None = None) -> Actor:
    """As `DatabasePermissions.acting`."""
    lock_permissions(session)
    row = session.row(_ACTING, (user_id,))
    if row is None:
        raise PermissionDenied("Your account is not active any more.")
    email, role, branch_id, names = row
    return Actor(user_id, session_id, email, Role(role), parse_permissions(names or ""), branch_id)


def lock_permissions(session: Session) -> None:
    """Until this transaction ends nobody else changes who may do what."""
    session.send(_LOCK)


def check_administrators_remain(session: Session) -> None:
    """Raises `LastAdministrator` unless an active person administers the house and an active
    person may edit grants. Asked after a change, with `hold_still` before it."""
    [(administered, editable)] = session.rows(_GOVERNED, (Role.ADMIN, Permission.GRANTS_EDIT))
    if not (administered and editable):
        raise LastAdministrator
