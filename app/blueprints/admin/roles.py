"""Roles: the permissions of each role, the routes that they open, and changing them."""

from collections.abc import Collection, Mapping

from flask import Response, current_app, url_for

from app.access import Actor, Permission, Role
from app.access.areas import PERMISSIONS_BY_AREA, PermissionArea, resource_of
from app.access.descriptions import PERMISSION_DESCRIPTIONS, ROLE_DESCRIPTIONS
from app.access.policy import is_editable
from app.approvals import registry as approvals_registry
from app.blueprints import route_registry
from app.blueprints.admin import deciders
from app.blueprints.forms import Done, Form, FormSchema, choice_field, reason_field
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.identity.roles import role_permissions
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound

blp = PageBlueprint("roles", "/admin/roles")

_NOT_LISTED = "Choose a permission from the list."


class GrantSchema(FormSchema):
    """A permission to grant or to remove, and the reason."""

    permission = choice_field("Permission", _NOT_LISTED)
    reason = reason_field()


GRANT = Form(
    "give",
    title="Grant a permission",
    about="A second person must approve a permission for acts that take two people.",
    schema=GrantSchema,
    button="Grant",
    success="Permission granted.",
    failure="The permission was not granted",
    confirm="Grant this permission to everyone in the role?",
)
REMOVE = Form(
    "take",
    title="Remove a permission",
    schema=GrantSchema,
    button="Remove",
    success="Permission removed.",
    failure="The permission was not removed",
    is_dangerous=True,
    confirm="Remove this permission from everyone in the role?",
)


@blp.view("GET", "", permission=Permission.ROLES_READ)
def list_roles(session: Session, _actor: Actor) -> Response:
    """Show every permission of every role."""
    return render_page(
        "admin/roles/index.html",
        grants=role_permissions.list_grants(session),
        roles=list(Role),
        areas=PERMISSIONS_BY_AREA,
        resource_of=resource_of,
        permission_descriptions=PERMISSION_DESCRIPTIONS,
        role_descriptions=ROLE_DESCRIPTIONS,
    )


@blp.view("GET", "/<role_name>", permission=Permission.ROLES_READ)
def show_role(session: Session, actor: Actor, role_name: str) -> Response:
    """Show the permissions of one role and the routes that they open."""
    role = _role_named(role_name)
    granted = role_permissions.list_grants(session)[role]
    routes = route_registry.list_routes(current_app)
    editable = {
        permission
        for permission in actor.permissions
        if is_editable(role, permission) and Permission.GRANTS_EDIT in actor.permissions
    }
    return render_page(
        "admin/roles/role.html",
        role=role,
        role_description=ROLE_DESCRIPTIONS[role],
        areas=_select(granted),
        resource_of=resource_of,
        permission_descriptions=PERMISSION_DESCRIPTIONS,
        routes_of={
            permission: [route for route in routes if route.permission is permission]
            for permission in granted
        },
        forms=[
            (GRANT, "roles_pages.grant", _list_choices(editable - granted)),
            (REMOVE, "roles_pages.remove", _list_choices(editable & granted)),
        ],
        may_edit=Permission.GRANTS_EDIT in actor.permissions,
        deciders=deciders.list_deciders(session, actor, role_permissions.GRANT),
    )


def _select(
    wanted: Collection[Permission],
) -> Mapping[PermissionArea, list[Permission]]:
    """Return these permissions by area."""
    selected = {
        area: [permission for permission in permissions if permission in wanted]
        for area, permissions in PERMISSIONS_BY_AREA.items()
    }
    return {area: permissions for area, permissions in selected.items() if permissions}


def _describe_choice(permission: Permission, *, takes_two: bool) -> str:
    note = ", for acts that take two people" if takes_two else ""
    return f"{PERMISSION_DESCRIPTIONS[permission]} ({permission.value}{note})"


def _list_choices(permissions: Collection[Permission]) -> list[tuple[str, str]]:
    takes_two = approvals_registry.two_person_permissions()
    return [
        (permission.value, _describe_choice(permission, takes_two=permission in takes_two))
        for in_area in _select(permissions).values()
        for permission in in_area
    ]


@blp.form(
    "/<role_name>/grants",
    GRANT,
    shown_on=show_role,
    permission=Permission.GRANTS_EDIT,
    fresh=True,
)
def grant(session: Session, actor: Actor, fields: Mapping[str, str], role_name: str) -> Done | None:
    """Grant a permission to a role, at once or after a second person's approval."""
    role, permission = _role_named(role_name), _parse_permission(fields)
    approval_id = role_permissions.grant_permission(
        session, actor, role, permission, reason=fields["reason"]
    )
    if approval_id is None:
        return None
    return Done(
        url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id)),
        "Grant requested. A second person has to approve it.",
    )


@blp.form(
    "/<role_name>/removals",
    REMOVE,
    shown_on=show_role,
    permission=Permission.GRANTS_EDIT,
    fresh=True,
)
def remove(session: Session, actor: Actor, fields: Mapping[str, str], role_name: str) -> None:
    """Remove a permission from a role."""
    role, permission = _role_named(role_name), _parse_permission(fields)
    role_permissions.revoke_permission(session, actor, role, permission, reason=fields["reason"])


def _role_named(name: str) -> Role:
    role = Role.with_value(name)
    if role is None:
        raise NotFound
    return role


def _parse_permission(fields: Mapping[str, str]) -> Permission:
    try:
        return Permission(fields["permission"])
    except ValueError:
        raise Invalid("permission", _NOT_LISTED) from None
