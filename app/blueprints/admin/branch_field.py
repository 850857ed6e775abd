"""The choice of a role and its branch in a form about a member of staff."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, validates_schema

from app.access import BRANCH_BOUND_ROLES, Actor
from app.blueprints.forms import FormSchema, choice_field
from app.branches import queries as branches_queries
from app.branches.queries import BranchSummary
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound


class RoleSchema(FormSchema):
    """A role, and the branch that a teller needs."""

    role = choice_field("Role", "Choose a role.")
    branch = choice_field("Branch (tellers only)", None, none="No branch")

    @validates_schema(skip_on_field_errors=False)
    def check_branch(self, data: Mapping[str, str], **_options: Any) -> None:
        """Report a missing branch together with the other problems."""
        if data.get("role") in BRANCH_BOUND_ROLES and not data.get("branch"):
            raise ValidationError("Choose the branch where the teller works.", "branch")


def list_choices(branches: list[BranchSummary]) -> list[tuple[str, str]]:
    """Return the branches that the field offers."""
    return [(branch.public_id, f"{branch.code} {branch.name}") for branch in branches]


def find_branch(session: Session, actor: Actor, fields: Mapping[str, str]) -> UUID | None:
    """Return the branch that the form names; None for a role that is bound to no branch, because
    the form shows the field for every role.

    Raises `Invalid` for a branch that does not exist.
    """
    if fields["role"] not in BRANCH_BOUND_ROLES:
        return None
    try:
        return branches_queries.get_branch(session, actor, ids.decode("brn", fields["branch"])).id
    except NotFound:
        raise Invalid("branch", "Choose a branch from the list.") from None
