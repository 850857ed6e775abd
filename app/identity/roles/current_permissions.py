"""Read the permissions that people hold now, and keep PBCEx from losing its last administrator.

Every change of roles, grants or status takes one lock first. Such changes are rare, and serialized
none of them decides on a state that another is about to change.
"""

from uuid import UUID

from app.access import Actor, Permission, Role
from app.access.policy import parse_permissions
from app.identity.errors import LastAdministrator
from app.kit.db import Session
from app.kit.errors import PermissionDenied

_LOCK = "SELECT pg_advisory_xact_lock(7226002)"
_LOCK_ACTOR = """
SELECT u.email, u.role, u.branch_id,
    (SELECT string_agg(g.permission, ' ') FROM role_grants g WHERE g.role = u.role)
FROM users u WHERE u.id = %s AND u.status = 'active' FOR SHARE OF u
"""
_HOLDERS = """
SELECT u.id FROM users u WHERE u.status = 'active' AND u.role IN (
    SELECT role FROM role_grants WHERE permission = ANY(%s) GROUP BY role HAVING count(*) = %s
) ORDER BY u.id
"""
_HAS_ADMINISTRATORS = """
SELECT EXISTS (SELECT FROM users WHERE role = %s AND status = 'active'),
    EXISTS (SELECT FROM users u JOIN role_grants g ON g.role = u.role
        WHERE g.permission = %s AND u.status = 'active')
"""


class DatabasePermissions:
    """The port of approvals (approvals/ports.py), implemented by the database."""

    def lock_actor(self, session: Session, user_id: UUID, session_id: UUID | None = None) -> Actor:
        """Return the actor with the permissions they hold now, locked until the transaction ends.

        Raises `PermissionDenied` for a suspended or erased person.
        """
        return lock_actor(session, user_id, session_id)

    def find_holders(self, session: Session, permissions: frozenset[Permission]) -> list[UUID]:
        """Return the ids of the active people who hold all of these permissions."""
        rows = session.rows(_HOLDERS, (sorted(permissions), len(permissions)))
        return [user_id for (user_id,) in rows]


def lock_actor(session: Session, user_id: UUID, session_id: UUID | None = None) -> Actor:
    """Return the actor as `DatabasePermissions.lock_actor` does."""
    lock_permissions(session)
    row = session.row(_LOCK_ACTOR, (user_id,))
    if row is None:
        raise PermissionDenied("Your account is not active any more.")
    email, role, branch_id, names = row
    return Actor(user_id, session_id, email, Role(role), parse_permissions(names or ""), branch_id)


def lock_permissions(session: Session) -> None:
    """Lock roles, grants and statuses against other changes until the transaction ends."""
    session.send(_LOCK)


def check_administrators_remain(session: Session) -> None:
    """Raise `LastAdministrator` unless an active administrator and an active editor of grants
    remain. Call after a change that `lock_permissions` preceded.
    """
    [(has_administrator, has_editor)] = session.rows(
        _HAS_ADMINISTRATORS, (Role.ADMIN, Permission.GRANTS_EDIT)
    )
    if not (has_administrator and has_editor):
        raise LastAdministrator
