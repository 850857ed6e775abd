"""Named reads of branches, limited to what the actor may see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, branch_scope, check_branch
from app.branches.entities.models import LegalEntity
from app.branches.models import Branch
from app.branches.rules import HEAD_OFFICE
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.list_query import ListSource
from app.kit.postal_addresses import PostalAddress


@dataclass(frozen=True, slots=True)
class BranchSummary:
    """A place where customers are served, or head office."""

    id: UUID
    code: str
    name: str
    entity_id: UUID
    entity_code: str
    address: dict[str, Any] | None
    phone: str | None
    time_zone: str
    weekly_hours: list[str]
    offers_pickup: bool
    opened_at: datetime
    serves_customers: bool

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("brn", self.id)

    @property
    def postal(self) -> PostalAddress | None:
        """Where it is."""
        return PostalAddress(**self.address) if self.address else None


#: Head office is offered to no customer and no teller.
_SERVES_CUSTOMERS = Branch.id != HEAD_OFFICE
_BRANCHES = ListSource(
    BranchSummary,
    sa.select(
        Branch.id,
        Branch.code,
        Branch.name,
        Branch.legal_entity_id.label("entity_id"),
        LegalEntity.code.label("entity_code"),
        Branch.address,
        Branch.phone,
        Branch.time_zone,
        Branch.weekly_hours,
        Branch.offers_pickup,
        Branch.opened_at,
        _SERVES_CUSTOMERS.label("serves_customers"),
    ).join(LegalEntity, LegalEntity.id == Branch.legal_entity_id),
    key=Branch.id,
    sorts={"code": Branch.code, "opened": Branch.id},
    filters={},
)


def visible_branches(actor: Actor) -> ListSource[BranchSummary]:
    """Return the branches that the actor may see."""
    scope = branch_scope(actor)
    return _BRANCHES if scope is None else _BRANCHES.where(Branch.id == scope)


def list_branches(session: Session, actor: Actor) -> list[BranchSummary]:
    """Return the branches that the actor may see, in order of code. Head office is one."""
    visible = visible_branches(actor).select
    return session.select(BranchSummary, visible.order_by(Branch.code))


def list_serving_branches(session: Session, actor: Actor) -> list[BranchSummary]:
    """Return the branches that serve customers and that the actor may see, in order of code."""
    visible = visible_branches(actor).where(_SERVES_CUSTOMERS).select
    return session.select(BranchSummary, visible.order_by(Branch.code))


def serves_customers(session: Session, branch_id: UUID) -> bool:
    """Return whether this is a branch that serves customers."""
    branch = session.find(BranchSummary, _BRANCHES.select.where(Branch.id == branch_id))
    return branch is not None and branch.serves_customers


def get_branch(session: Session, actor: Actor, branch_id: UUID) -> BranchSummary:
    """Return the branch. Raises `NotFound`, also for a branch that the actor may not see."""
    check_branch(actor, branch_id)
    return get_any_branch(session, branch_id)


def get_any_branch(session: Session, branch_id: UUID) -> BranchSummary:
    """Return the branch, for an act whose permission covers every branch. Raises `NotFound`."""
    return session.get(BranchSummary, _BRANCHES.select.where(Branch.id == branch_id))


def require_pickup(session: Session, branch_id: UUID) -> None:
    """Raise `Invalid` naming `pickupBranchId` unless customers can collect goods at the branch."""
    try:
        branch = get_any_branch(session, branch_id)
    except NotFound:
        branch = None
    if branch is None or not branch.offers_pickup:
        raise Invalid("pickupBranchId", "Choose a branch that offers pick-up.")


def lock_branch(session: Session, branch_id: UUID) -> BranchSummary:
    """Return the branch as `get_any_branch` does, its row locked."""
    locked = _BRANCHES.select.where(Branch.id == branch_id).with_for_update(of=Branch)
    return session.get(BranchSummary, locked)


def list_branches_of_entity(session: Session, entity_id: UUID) -> list[BranchSummary]:
    """Return the branches of a legal entity, in order of code."""
    own = _BRANCHES.select.where(Branch.legal_entity_id == entity_id)
    return session.select(BranchSummary, own.order_by(Branch.code))


def list_public_branches(session: Session) -> list[BranchSummary]:
    """Return every branch that serves customers, in order of code."""
    serving = _BRANCHES.select.where(_SERVES_CUSTOMERS)
    return session.select(BranchSummary, serving.order_by(Branch.code))


def find_branch_id(session: Session, code: str) -> UUID | None:
    """Return the id of the branch with this code, or None."""
    branch_id: UUID | None = session.optional_value(
        "SELECT id FROM branches WHERE code = %s", (code,)
    )
    return branch_id
