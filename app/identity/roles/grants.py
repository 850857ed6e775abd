"""What roles may do: read, given and taken away, within limits.

Nobody gives or takes what they lack; a permission never loses its last role; somebody can always
edit grants. What a person may do with their own things is not granted but follows from what they
are (`access.policy.is_editable`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from app.access import DEFAULT_PERMISSIONS, Actor, Permission, Role, require
from app.access.policy import is_editable, parse_permissions
from app.approvals import rules as approvals_rules
from app.audit import service as audit
from app.identity.errors import GrantNotEditable, LastRoleWithPermission, PermissionNotHeld
from app.identity.roles import current_permissions
from app.kit.db import Session

#: Writes down the permissions that the database has not met, with the roles that hold them first;
#: what an administrator decided about the others stays. Run with every migration (env.py).
INSERT_NEW_PERMISSIONS = """
WITH named AS (
    SELECT * FROM unnest(%s::text[], %s::text[]) AS n (role, permission)
), new AS (
    INSERT INTO permissions (name) SELECT DISTINCT permission FROM named
    ON CONFLICT DO NOTHING RETURNING name
)
INSERT INTO role_grants (role, permission)
SELECT named.role, named.permission FROM named JOIN new ON new.name = named.permission
"""
_HELD = "SELECT role, string_agg(permission, ' ') FROM role_grants GROUP BY role"
_GIVE = """
INSERT INTO role_grants (role, permission) VALUES (%s, %s) ON CONFLICT DO NOTHING
RETURNING role
"""
_TAKE = "DELETE FROM role_grants WHERE role = %s AND permission = %s RETURNING role"
_HOLDERS = "SELECT count(*) FROM role_grants WHERE permission = %s"


def default_grants() -> tuple[list[str], list[str]]:
    """The parameters of `INTRODUCE`: roles, and the permission of each."""
    pairs = [(role, each) for role, held in DEFAULT_PERMISSIONS.items() for each in sorted(held)]
    return [role.value for role, _ in pairs], [each.value for _, each in pairs]


def list_grants(session: Session) -> Mapping[Role, frozenset[Permission]]:
    """What each role holds now."""
    found = {Role(role): parse_permissions(names) for role, names in session.rows(_HELD)}
    return MappingProxyType({role: found.get(role, frozenset()) for role in Role})


def grant_permission(
    session: Session, actor: Actor, role: Role, permission: Permission, *, reason: str
) -> None:
    """Let everybody in a role do this, from their next request on. Again changes nothing.

    Raises `PermissionDenied`, `PermissionNotHeld`, `GrantNotEditable`, and `Invalid` for the
    reason.
    """
    editor, reason = _check_editor(session, actor, role, permission, reason)
    if session.row(_GIVE, (role, permission)) is not None:
        _record(session, editor, role, permission, given=True, reason=reason)


def revoke_permission(
    session: Session, actor: Actor, role: Role, permission: Permission, *, reason: str
) -> None:
    """From their next request on nobody in a role may do this. Again changes nothing.

    Raises as `grant_permission` does; `LastRoleWithPermission` if no other role holds it,
    `LastAdministrator` if no active person could edit grants any more.
    """
    editor, reason = _check_editor(session, actor, role, permission, reason)
    if session.row(_TAKE, (role, permission)) is None:
        return
    [(holders,)] = session.rows(_HOLDERS, (permission,))
    if holders == 0:
        raise LastRoleWithPermission
    if permission is Permission.GRANTS_EDIT:
        current_permissions.check_administrators_remain(session)
    _record(session, editor, role, permission, given=False, reason=reason)


def _check_editor(
    session: Session, actor: Actor, role: Role, permission: Permission, reason: str
) -> tuple[Actor, str]:
    """Who edits, as they stand now, and their reason; if they may."""
    reason = approvals_rules.clean_reason(reason)
    editor = current_permissions.lock_actor(session, actor.user_id, actor.session_id)
    require(editor, Permission.GRANTS_EDIT)
    if not is_editable(role, permission):
        raise GrantNotEditable
    if permission not in editor.permissions:
        raise PermissionNotHeld(f"You lack {permission} yourself")
    return editor, reason


def _record(
    session: Session, editor: Actor, role: Role, permission: Permission, *, given: bool, reason: str
) -> None:
    audit.record(
        session,
        actor=editor,
        action="grant.given" if given else "grant.taken",
        subject=f"role:{role}",
        before={"permission": permission, "held": not given},
        after={"permission": permission, "held": given},
        reason=reason,
    )
