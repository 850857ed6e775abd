"""Grants of permissions to roles: read, granted and revoked, within limits.

Granting a permission that an act of two people needs takes two people itself. Staff neither grant
nor revoke permissions that they do not hold. A permission never loses its last role, and an active
person can always edit grants. Permissions on a person's own data are not granted but follow from
the role (`access.policy.is_editable`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from app.access import Actor, Permission, Role, require
from app.access.descriptions import PERMISSION_DESCRIPTIONS
from app.access.policy import is_editable, parse_permissions
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.identity.accounts import locked_person
from app.identity.errors import (
    AlreadySet,
    GrantNotEditable,
    LastRoleWithPermission,
    PermissionNotHeld,
)
from app.identity.roles import current_permissions
from app.kit import clock
from app.kit.db import Session

GRANT = "role.grant"

_LIST = "SELECT role, string_agg(permission, ' ') FROM role_grants GROUP BY role"
_GRANT = """
INSERT INTO role_grants (role, permission, granted_by, granted_at) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING role
"""
_REVOKE = "DELETE FROM role_grants WHERE role = %s AND permission = %s RETURNING role"
_HOLDERS = "SELECT count(*) FROM role_grants WHERE permission = %s"


def list_grants(session: Session) -> Mapping[Role, frozenset[Permission]]:
    """Return the permissions that each role holds now."""
    permissions = {Role(role): parse_permissions(names) for role, names in session.rows(_LIST)}
    return MappingProxyType({role: permissions.get(role, frozenset()) for role in Role})


def list_two_person_permissions(
    session: Session, role: Role, *, held_before: Role = Role.USER
) -> frozenset[Permission]:
    """Return the permissions for acts of two people that a person gets with the role and did not
    have in the role before."""
    grants = list_grants(session)
    return (grants[role] - grants[held_before]) & approvals_registry.two_person_permissions()


def grant_permission(
    session: Session, actor: Actor, role: Role, permission: Permission, *, reason: str
) -> UUID | None:
    """Grant the permission to the role, from its holders' next request on. Idempotent.

    For a permission that an act of two people needs, request a second person's approval instead
    and return the request's id. Raises `PermissionDenied`, `PermissionNotHeld`,
    `GrantNotEditable`, `ApprovalPending`, and `Invalid` for the reason.
    """
    editor, reason = _check_editor(session, actor, role, permission, reason)
    if permission not in approvals_registry.two_person_permissions():
        _insert(session, editor, role, permission, granted_by=editor.user_id, reason=reason)
        return None
    if permission in list_grants(session)[role]:
        return None
    payload = {"role": role.value, "permission": permission.value}
    subject = f"{_subject(role)} {permission}"
    return approvals.request_approval(
        session, editor, GRANT, payload, subject=subject, reason=reason
    )


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
    _check_editable(editor, role, permission)
    return editor, reason


def _check_editable(editor: Actor, role: Role, permission: Permission) -> None:
    if not is_editable(role, permission):
        raise GrantNotEditable
    if permission not in editor.permissions:
        raise PermissionNotHeld(f"You do not hold {permission} yourself.")


def _insert(
    session: Session,
    actor: Actor,
    role: Role,
    permission: Permission,
    *,
    granted_by: UUID,
    reason: str,
    approved: ApprovedRequest | None = None,
) -> None:
    if session.row(_GRANT, (role, permission, granted_by, clock.now())) is not None:
        _record(session, actor, role, permission, is_grant=True, reason=reason, approved=approved)


def _subject(role: Role) -> str:
    return f"role:{role}"


def _record(
    session: Session,
    editor: Actor,
    role: Role,
    permission: Permission,
    *,
    is_grant: bool,
    reason: str,
    approved: ApprovedRequest | None = None,
) -> None:
    audit.record(
        session,
        actor=editor,
        action=AuditAction.GRANT_GIVEN if is_grant else AuditAction.GRANT_TAKEN,
        subject=_subject(role),
        before={"permission": permission, "held": not is_grant},
        after={
            "permission": permission,
            "held": is_grant,
            **locked_person.approval_evidence(approved),
        },
        reason=reason,
    )


# Granting a permission that an act of two people needs


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    role, permission = Role(payload["role"]), Permission(payload["permission"])
    if permission in list_grants(session)[role]:
        raise AlreadySet("The role holds this permission already.")
    facts = {"role": role.value, "permission": permission.value}
    return ProposedChange(facts | {"held": "no"}, facts | {"held": "yes"})


def _check(_session: Session, actor: Actor, payload: TextFields) -> None:
    _check_editable(actor, Role(payload["role"]), Permission(payload["permission"]))


def _grant(session: Session, approved: ApprovedRequest) -> None:
    _insert(
        session,
        approved.checker,
        Role(approved.payload["role"]),
        Permission(approved.payload["permission"]),
        granted_by=approved.maker_id,
        reason=approved.reason,
        approved=approved,
    )


def _describe(session: Session, _actor: Actor, subject: str) -> TextFields:
    """Return what the permission allows, and who holds it."""
    permission = Permission(subject.partition(" ")[2])
    holders = [
        role.label
        for role, permissions in list_grants(session).items()
        if permission in permissions
    ]
    return {
        "Allows": PERMISSION_DESCRIPTIONS[permission],
        "Held by the roles": ", ".join(holders),
    }


approvals_registry.register(
    ApprovalAction(
        GRANT,
        "Grant a permission",
        Permission.GRANTS_EDIT,
        _compare,
        _check,
        _grant,
        _describe,
        lambda fields: f"grant it to everyone in the role {fields['role']}",
        {"role": label_of(Role)},
        follows="Everyone in the role holds the permission with their next request.",
    )
)
