"""Named reads of receipts, limited to the actor's branch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, check_branch
from app.branches.entities.models import LegalEntity
from app.branches.models import Branch
from app.branches.tills.models import Till
from app.catalog.rules import USD
from app.counter.drawers.models import CashMovement, Drawer
from app.counter.drawers.rules import CashMovementKind
from app.counter.receipts.models import CashReceipt
from app.kit import ids
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress

#: Prefix of a receipt's public id.
PREFIX = "rcp"


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A receipt with what it says. The amount is positive, in or out."""

    id: UUID
    branch_id: UUID
    branch_code: str
    branch_name: str
    company: str
    address: PostalAddress | None
    number: int
    user_id: UUID
    reference: str
    written_at: datetime
    issues: int
    till_code: str
    kind: CashMovementKind
    amount: Amount

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def name(self) -> str:
        """What the receipt is called: its branch and number."""
        return f"{self.branch_code}-{self.number}"

    @property
    def customer(self) -> str:
        """The end of the customer's id: paper is lost easily."""
        return f"…{ids.encode('usr', self.user_id)[-6:]}"

    @property
    def copy(self) -> int:
        """Which copy it is; 0 for the first print."""
        return self.issues - 1

    @property
    def title(self) -> str:
        """What happened, as the customer reads it."""
        return "Cash deposit" if self.kind is CashMovementKind.DEPOSIT else "Cash withdrawal"


_UNITS = (
    sa.select(
        CashMovement.reference,
        CashMovement.drawer_id,
        CashMovement.kind,
        sa.func.sum(CashMovement.units).label("units"),
    )
    .where(CashMovement.user_id.is_not(None))
    .group_by(CashMovement.reference, CashMovement.drawer_id, CashMovement.kind)
    .subquery("moved")
)
_RECEIPTS = (
    sa.select(
        CashReceipt.id,
        CashReceipt.branch_id,
        Branch.code.label("branch_code"),
        Branch.name.label("branch_name"),
        LegalEntity.name.label("company"),
        Branch.address,
        CashReceipt.number,
        CashReceipt.user_id,
        CashReceipt.reference,
        CashReceipt.written_at,
        CashReceipt.issues,
        Till.code.label("till_code"),
        _UNITS.c.kind,
        sa.cast(_UNITS.c.units, sa.BigInteger).label("units"),
    )
    .join(Branch, Branch.id == CashReceipt.branch_id)
    .join(LegalEntity, LegalEntity.id == Branch.legal_entity_id)
    .join(_UNITS, _UNITS.c.reference == CashReceipt.reference)
    .join(Drawer, Drawer.id == _UNITS.c.drawer_id)
    .join(Till, Till.id == Drawer.till_id)
)


def get_receipt(session: Session, actor: Actor, receipt_id: UUID) -> ReceiptRow:
    """Return the receipt. Raises `NotFound`, also for one of a branch that the actor does not
    see."""
    receipt = session.get(_to_receipt, _RECEIPTS.where(CashReceipt.id == receipt_id))
    check_branch(actor, receipt.branch_id)
    return receipt


def _to_receipt(address: dict[str, str] | None, units: int, **values: Any) -> ReceiptRow:
    return ReceiptRow(
        address=PostalAddress(**address) if address else None,
        amount=Amount(USD, abs(units)),
        **values,
    )
