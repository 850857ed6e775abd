"""Grants of permissions to roles: read, granted and revoked, within limits.

Staff neither grant nor revoke permissions that they do not hold. A permission never loses its last
role, and an active person can always edit grants. Permissions on a person's own data are not
granted but follow from the role (`access.policy.is_editable`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from app.access import Actor, Permission, Role, require
from app.access.policy import is_editable, parse_permissions
from app.approvals import rules as approvals_rules
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.errors import GrantNotEditable, LastRoleWithPermission, PermissionNotHeld
from app.identity.roles import current_permissions
from app.kit.db import Session

_LIST = "SELECT role, string_agg(permission, ' ') FROM role_grants GROUP BY role"
_GRANT = """
INSERT INTO role_grants (role, permission) VALUES (%s, %s) ON CONFLICT DO NOTHING
RETURNING role
"""
_REVOKE = "DELETE FROM role_grants WHERE role = %s AND permission = %s RETURNING role"
_HOLDERS = "SELECT count(*) FROM role_grants WHERE permission = %s"


def list_grants(session: Session) -> Mapping[Role, frozenset[Permission]]:
    """Return the permissions that each role holds now."""
    permissions = {Role(role): parse_permissions(names) for role, names in session.rows(_LIST)}
    return MappingProxyType({role: permissions.get(role, frozenset()) for role in Role})


def grant_permission(
    session: Session, actor: Actor, role: Role, permission: Permission, *, reason: str
) -> None:
    """Grant the permission to the role, from its holders' next request on. Idempotent.

    Raises `PermissionDenied`, `PermissionNotHeld`, `GrantNotEditable`, and `Invalid` for the
    reason.
    """
    editor, reason = _check_editor(session, actor, role, permission, reason)
    if session.row(_GRANT, (role, permission)) is not None:
        _record(session, editor, role, permission, is_grant=True, reason=reason)


def revoke_permission(
    session: Session, actor: Actor, role: Role, permission: Permission, *, reason: str
) -> None:
    """Revoke the permission from the role, from its holders' next request on. Idempotent.

    Raises as `grant_permission` does; `LastRoleWithPermission` if no other role holds it,
    `LastAdministrator` if no active person could edit grants any more.
    """
    editor, reason = _check_editor(session, actor, role, permission, reason)
    if session.row(_REVOKE, (role, permission)) is None:
        return
    holders = session.value(_HOLDERS, (permission,))
    if holders == 0:
        raise LastRoleWithPermission
    if permission is Permission.GRANTS_EDIT:
        current_permissions.check_administrators_remain(session)
    _record(session, editor, role, permission, is_grant=False, reason=reason)


def _check_editor(
    session: Session, actor: Actor, role: Role, permission: Permission, reason: str
) -> tuple[Actor, str]:
    """Return the editor with their current permissions and the cleaned reason, if they may edit."""
    reason = approvals_rules.clean_reason(reason)
    editor = current_permissions.lock_actor(session, actor.user_id, actor.session_id)
    require(editor, Permission.GRANTS_EDIT)
    if not is_editable(role, permission):
        raise GrantNotEditable
    if permission not in editor.permissions:
        raise PermissionNotHeld(f"You do not hold {permission} yourself.")
    return editor, reason


def _record(
    session: Session,
    editor: Actor,
    role: Role,
    permission: Permission,
    *,
    is_grant: bool,
    reason: str,
) -> None:
    audit.record(
        session,
        actor=editor,
        action=AuditAction.GRANT_GIVEN if is_grant else AuditAction.GRANT_TAKEN,
        subject=f"role:{role}",
        before={"permission": permission, "held": not is_grant},
        after={"permission": permission, "held": is_grant},
        reason=reason,
    )
