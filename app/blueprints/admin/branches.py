"""Branches: where the house is, and who works there. Tellers see their own."""

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, said_at_form, see_other
from app.blueprints.rendering import page
from app.branches import queries as branches_queries
from app.branches import service
from app.identity import people
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid

blp = PageBlueprint("branches", "/admin/branches")


@blp.view("GET", "", permission=Permission.BRANCHES_READ)
def branches(session: Session, actor: Actor) -> Response:
    """The branches that one may see."""
    return _branches(session, actor)


@blp.view("POST", "", permission=Permission.BRANCHES_EDIT)
def open_branch(session: Session, actor: Actor) -> Response:
    """Open a branch."""
    try:
        with session.savepoint():
            code, name = request.form.get("code", ""), request.form.get("name", "")
            service.open_branch(session, actor, code=code.strip().upper(), name=name)
    except (Invalid, Conflict) as refusal:
        return _branches(session, actor, *said_at_form(refusal))
    return see_other(url_for("branches_pages.branches"))


@blp.view("GET", "/<branch_id>", permission=Permission.BRANCHES_READ)
def branch(session: Session, actor: Actor, branch_id: str) -> Response:
    """A branch and who works there."""
    found = branches_queries.branch(session, actor, ids.decode("brn", branch_id))
    return page(
        "admin/branches/branch.html",
        "admin/branches/_branch.html",
        branch=found,
        tellers=people.at_branch(session, found.id),
        may_open_people=Permission.PEOPLE_READ in actor.permissions,
    )


def _branches(
    session: Session, actor: Actor, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    found = branches_queries.branches(session, actor)
    return page(
        "admin/branches/index.html",
        "admin/branches/_branches.html",
        status=status,
        branches=[(each, ids.encode("brn", each.id)) for each in found],
        may_edit=Permission.BRANCHES_EDIT in actor.permissions,
        problems=problems or {},
        typed=request.form,
    )
