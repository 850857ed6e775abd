"""Roles: the permissions of each role, the routes that they open, and changing them."""

from flask import Response, current_app, request, url_for

from app.access import Actor, Permission, Role
from app.access.descriptions import PERMISSION_DESCRIPTIONS, ROLE_DESCRIPTIONS
from app.access.policy import is_editable
from app.blueprints import route_registry
from app.blueprints.page_blueprint import PageBlueprint, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.identity.roles import role_permissions
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound

blp = PageBlueprint("roles", "/admin/roles")


@blp.view("GET", "", permission=Permission.ROLES_READ)
def list_roles(session: Session, _actor: Actor) -> Response:
    """Show every permission of every role."""
    return render_page(
        "admin/roles/index.html",
        grants=role_permissions.list_grants(session),
        roles=list(Role),
        permissions=list(Permission),
        permission_descriptions=PERMISSION_DESCRIPTIONS,
        role_descriptions=ROLE_DESCRIPTIONS,
    )


@blp.view("GET", "/<role_name>", permission=Permission.ROLES_READ)
def show_role(session: Session, actor: Actor, role_name: str) -> Response:
    """Show the permissions of one role and the routes that they open."""
    return _render_role(session, actor, _role_named(role_name))


@blp.view("POST", "/<role_name>/grants", permission=Permission.GRANTS_EDIT, fresh=True)
def edit_grants(session: Session, actor: Actor, role_name: str) -> Response:
    """Grant a permission to a role, or remove one."""
    edited = _role_named(role_name)
    act = (
        role_permissions.revoke_permission
        if request.form.get("act") == "take"
        else role_permissions.grant_permission
    )
    try:
        with session.savepoint():
            permission = _parse_permission(request.form.get("permission", ""))
            act(session, actor, edited, permission, reason=request.form.get("reason", ""))
    except (Invalid, Conflict) as refusal:
        status, problems = report_at_form(refusal)
        form_id = "take" if act is role_permissions.revoke_permission else "give"
        return _render_role(
            session, actor, edited, status=status, form_id=form_id, problems=problems
        )
    return see_other(url_for("roles_pages.show_role", role_name=edited.value))


def _role_named(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise NotFound from None


def _parse_permission(name: str) -> Permission:
    try:
        return Permission(name)
    except ValueError:
        raise Invalid("permission", "Choose a permission from the list.") from None


def _render_role(
    session: Session,
    actor: Actor,
    role: Role,
    *,
    status: int = 200,
    form_id: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    granted = role_permissions.list_grants(session)[role]
    routes = route_registry.list_routes(current_app)
    editable = [
        permission
        for permission in Permission
        if is_editable(role, permission) and permission in actor.permissions
    ]
    return render_page(
        "admin/roles/role.html",
        status=status,
        role=role,
        role_description=ROLE_DESCRIPTIONS[role],
        granted=[permission for permission in Permission if permission in granted],
        permission_descriptions=PERMISSION_DESCRIPTIONS,
        routes_of={
            permission: [route for route in routes if route.permission is permission]
            for permission in granted
        },
        may_edit=Permission.GRANTS_EDIT in actor.permissions,
        grantable=[
            (permission, PERMISSION_DESCRIPTIONS[permission])
            for permission in editable
            if permission not in granted
        ],
        removable=[
            (permission, PERMISSION_DESCRIPTIONS[permission])
            for permission in editable
            if permission in granted
        ],
        form_id=form_id,
        problems=problems or {},
        form_values=request.form,
    )
