"""What each role may do, and which routes that opens."""

from flask import Response, current_app, request, url_for

from app.access import Actor, Permission, Role
from app.access.catalogue import PERMISSION_MEANS, ROLE_MEANS
from app.access.policy import is_editable
from app.blueprints import route_registry
from app.blueprints.page_blueprint import PageBlueprint, said_at_form, see_other
from app.blueprints.rendering import page
from app.identity import grants
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound

blp = PageBlueprint("roles", "/admin/roles")


@blp.view("GET", "", permission=Permission.ROLES_READ)
def matrix(session: Session, _actor: Actor) -> Response:
    """Every role and every permission."""
    return page(
        "admin/roles/index.html",
        "admin/roles/_roles.html",
        held=grants.held(session),
        roles=list(Role),
        permissions=list(Permission),
        permission_means=PERMISSION_MEANS,
        role_means=ROLE_MEANS,
    )


@blp.view("GET", "/<role_name>", permission=Permission.ROLES_READ)
def role(session: Session, actor: Actor, role_name: str) -> Response:
    """What one role may do, and the routes that this opens."""
    return _role(session, actor, _named(role_name))


@blp.view("POST", "/<role_name>/grants", permission=Permission.GRANTS_EDIT, fresh=True)
def edit(session: Session, actor: Actor, role_name: str) -> Response:
    """Give the role a permission, or take one away."""
    edited = _named(role_name)
    act = grants.take if request.form.get("act") == "take" else grants.give
    try:
        with session.savepoint():
            permission = _permission(request.form.get("permission", ""))
            act(session, actor, edited, permission, reason=request.form.get("reason", ""))
    except (Invalid, Conflict) as refusal:
        status, problems = said_at_form(refusal)
        form = "take" if act is grants.take else "give"
        return _role(session, actor, edited, status=status, form=form, problems=problems)
    return see_other(url_for("roles_pages.role", role_name=edited.value))


def _named(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise NotFound from None


def _permission(name: str) -> Permission:
    try:
        return Permission(name)
    except ValueError:
        raise Invalid("permission", "Choose a permission from the list.") from None


def _role(
    session: Session,
    actor: Actor,
    shown: Role,
    *,
    status: int = 200,
    form: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    held = grants.held(session)[shown]
    routes = route_registry.routes(current_app)
    may_edit = Permission.GRANTS_EDIT in actor.permissions
    editable = [
        each for each in Permission if is_editable(shown, each) and each in actor.permissions
    ]
    return page(
        "admin/roles/role.html",
        "admin/roles/_role.html",
        status=status,
        role=shown,
        meaning=ROLE_MEANS[shown],
        held=[each for each in Permission if each in held],
        permission_means=PERMISSION_MEANS,
        opened={each: [route for route in routes if route.permission is each] for each in held},
        may_edit=may_edit,
        can_give=[(each, each.value) for each in editable if each not in held],
        can_take=[(each, each.value) for each in editable if each in held],
        form_id=form,
        problems=problems or {},
        typed=request.form,
    )
