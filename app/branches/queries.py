"""Named reads of branches, limited to what the actor may see."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, branch_scope, check_branch
from app.branches.models import Branch
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource


@dataclass(frozen=True, slots=True)
class BranchSummary:
    """A place where customers are served."""

    id: UUID
    code: str
    name: str
    opened_at: datetime

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("brn", self.id)


_BRANCHES = ListSource(
    BranchSummary,
    sa.select(Branch.id, Branch.code, Branch.name, Branch.opened_at),
    key=Branch.id,
    sorts={"code": Branch.code, "opened": Branch.id},
    filters={},
)


def visible_branches(actor: Actor) -> ListSource[BranchSummary]:
    """Return the branches that the actor may see."""
    scope = branch_scope(actor)
    return _BRANCHES if scope is None else _BRANCHES.where(Branch.id == scope)


def list_branches(session: Session, actor: Actor) -> list[BranchSummary]:
    """Return the branches that the actor may see, in order of code."""
    visible = visible_branches(actor).select
    return session.select(BranchSummary, visible.order_by(Branch.code))


def get_branch(session: Session, actor: Actor, branch_id: UUID) -> BranchSummary:
    """Return the branch. Raises `NotFound`, also for a branch that the actor may not see."""
    check_branch(actor, branch_id)
    return session.get(BranchSummary, _BRANCHES.select.where(Branch.id == branch_id))


def find_branch_id(session: Session, code: str) -> UUID | None:
    """Return the id of the branch with this code, or None."""
    branch_id: UUID | None = session.optional_value(
        "SELECT id FROM branches WHERE code = %s", (code,)
    )
    return branch_id
