"""Branches: list and open them, and show the tellers of one. A teller sees their own branch."""

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, report_at_form, see_other
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.branches import service
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid

blp = PageBlueprint("branches", "/admin/branches")


@blp.view("GET", "", permission=Permission.BRANCHES_READ)
def list_branches(session: Session, actor: Actor) -> Response:
    """List the branches that the actor may see."""
    return _render_list(session, actor)


@blp.view("POST", "", permission=Permission.BRANCHES_EDIT)
def open_branch(session: Session, actor: Actor) -> Response:
    """Open a branch."""
    try:
        with session.savepoint():
            code, name = request.form.get("code", ""), request.form.get("name", "")
            service.open_branch(session, actor, code=code.strip().upper(), name=name)
    except (Invalid, Conflict) as refusal:
        return _render_list(session, actor, *report_at_form(refusal))
    return see_other(url_for("branches_pages.list_branches"))


@blp.view("GET", "/<branch_id>", permission=Permission.BRANCHES_READ, shows="brn")
def show_branch(session: Session, actor: Actor, branch_id: str) -> Response:
    """Show a branch and its tellers."""
    branch = branches_queries.get_branch(session, actor, ids.decode("brn", branch_id))
    tellers = people.list_branch_staff(session, branch.id)
    return render_page(
        "admin/branches/branch.html",
        branch=branch,
        branch_id=branch_id,
        tellers=tellers,
        names={teller.id: teller.name for teller in tellers},
    )


def _render_list(
    session: Session, actor: Actor, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    branches = branches_queries.list_branches(session, actor)
    return render_page(
        "admin/branches/index.html",
        status=status,
        branches=[(branch, ids.encode("brn", branch.id)) for branch in branches],
        may_edit=Permission.BRANCHES_EDIT in actor.permissions,
        problems=problems or {},
        form_values=request.form,
    )
