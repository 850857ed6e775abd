"""The choice of a branch in a form about a person's role."""

from uuid import UUID

from flask import request

from app.access import BRANCH_BOUND_ROLES, Actor
from app.branches import queries as branches_queries
from app.branches.queries import BranchSummary
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound


def list_options(branches: list[BranchSummary]) -> list[tuple[str, str]]:
    """Return the options of the field: no branch first."""
    return [
        ("", "No branch"),
        *((ids.encode("brn", branch.id), f"{branch.code} {branch.name}") for branch in branches),
    ]


def read_branch(session: Session, actor: Actor, role: str) -> UUID | None:
    """Return the branch that the form names; None without one, and for a role that is bound to no
    branch, because the form shows the field for every role.

    Raises `Invalid` for a branch that does not exist.
    """
    text = request.form.get("branch", "")
    if role not in BRANCH_BOUND_ROLES or not text:
        return None
    try:
        return branches_queries.get_branch(session, actor, ids.decode("brn", text)).id
    except NotFound:
        raise Invalid("branch", "Choose a branch from the list.") from None
