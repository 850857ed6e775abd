"""Second people for tests: approve a request, and hold permissions without asking anyone."""

from uuid import UUID

from app.access import Actor, Permission, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.identity.roles.models import RoleGrant
from app.kit.db import Database
from tests.rows import delete_rows


def approve(database: Database, checker: Actor, approval_id: UUID | None) -> None:
    """Approve the request as the checker sees it."""
    assert approval_id is not None, "no second person was asked for"
    with database.transaction() as session:
        request = approvals_queries.get_approval(session, approval_id)
        approvals.approve(session, checker, approval_id, seen_hash=request.hash)


def add_grant(database: Database, role: Role, permission: Permission) -> None:
    """Let the role hold the permission, as the defaults of an installation would."""
    with database.transaction() as session:
        values = (role, permission)
        session.send("INSERT INTO role_grants (role, permission) VALUES (%s, %s)", values)


def remove_grant(database: Database, role: Role, permission: Permission) -> None:
    """Let the role not hold the permission."""
    with database.transaction() as session:
        is_grant = (RoleGrant.role == role, RoleGrant.permission == permission)
        delete_rows(session, RoleGrant, *is_grant)
