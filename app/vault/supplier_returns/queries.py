"""Named reads of returns to suppliers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.rules import SYNTHETIC, USD, Metal
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.vault.locations.models import Location
from app.vault.lots.models import Lot, LotMovement, LotStock
from app.vault.supplier_returns.models import SupplierReturn

#: Prefix of the public id of a return.
PREFIX = "srt"


@dataclass(frozen=True, slots=True)
class SupplierReturnRow:
    """Units that went back to their supplier."""

    id: UUID
    sku: str
    metal: Metal
    location_code: str
    units: int
    ounces_units: int
    metal_usd: int
    premium_usd: int
    supplier: str
    supplier_reference: str
    approval_id: UUID
    requested_by: UUID
    approved_by: UUID
    returned_at: datetime

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def ounces(self) -> Amount:
        """The accounted ounces of all units."""
        return Amount(SYNTHETIC[self.metal], self.ounces_units)

    @property
    def cost(self) -> Amount:
        """What the units cost: so much less is owed to the supplier."""
        return Amount(USD, self.metal_usd + self.premium_usd)

    @property
    def premium(self) -> Amount:
        """What of it was paid above the metal."""
        return Amount(USD, self.premium_usd)


@dataclass(frozen=True, slots=True)
class LotCost:
    """What the metal of a lot cost in cents, how many of its units went back before, who delivered
    it, and the branch that owes it to them."""

    lot_id: UUID
    units: int
    metal_usd: int
    returned_units: int
    supplier: str
    branch_id: UUID


_RETURNS = (
    sa.select(
        SupplierReturn.id,
        SupplierReturn.sku,
        Product.metal,
        Location.code.label("location_code"),
        SupplierReturn.units,
        SupplierReturn.ounces_units,
        SupplierReturn.metal_usd,
        SupplierReturn.premium_usd,
        SupplierReturn.supplier,
        SupplierReturn.supplier_reference,
        SupplierReturn.approval_id,
        SupplierReturn.requested_by,
        SupplierReturn.approved_by,
        SupplierReturn.returned_at,
    )
    .join(Product, Product.sku == SupplierReturn.sku)
    .join(Location, Location.id == SupplierReturn.location_id)
)
RETURNS = ListSource(
    SupplierReturnRow,
    _RETURNS,
    key=SupplierReturn.id,
    sorts={"returned": SupplierReturn.id},
    filters={
        "sku": lambda text: SupplierReturn.sku == text.upper(),
        "location": lambda text: Location.code == text.upper(),
    },
)


def get_return(session: Session, return_id: UUID) -> SupplierReturnRow:
    """Return a return to a supplier. Raises `NotFound`."""
    return session.get(SupplierReturnRow, _RETURNS.where(SupplierReturn.id == return_id))


def list_lots_of_supplier(
    session: Session, sku: str, location_id: UUID, supplier: str
) -> dict[UUID, int]:
    """Return the units that are left at a location of each lot of a product that this supplier
    delivered, the first lot first. Upper and lower case are the same in a supplier's name."""
    left = (
        sa.select(LotStock.lot_id, LotStock.units)
        .join(Lot, Lot.id == LotStock.lot_id)
        .where(
            LotStock.sku == sku,
            LotStock.location_id == location_id,
            LotStock.units > 0,
            sa.func.lower(Lot.supplier) == supplier.lower(),
        )
        .order_by(LotStock.lot_id)
    )
    return dict(session.select(lambda lot_id, units: (lot_id, units), left))


def list_lot_costs(
    session: Session, lot_ids: Sequence[UUID], *, reference: str
) -> dict[UUID, LotCost]:
    """Return what the metal of these lots cost, for the return with this reference, which is not
    one of the earlier ones."""
    returned = (
        sa.select(sa.cast(sa.func.coalesce(-sa.func.sum(LotMovement.units), 0), sa.BigInteger))
        .where(
            LotMovement.lot_id == Lot.id,
            LotMovement.reference.startswith(f"{PREFIX}_", autoescape=True),
            LotMovement.reference != reference,
        )
        .scalar_subquery()
    )
    costs = session.select(
        LotCost,
        sa.select(
            Lot.id.label("lot_id"),
            Lot.units,
            Lot.metal_usd,
            returned.label("returned_units"),
            Lot.supplier,
            Location.branch_id,
        )
        .join(Location, Location.id == Lot.location_id)
        .where(Lot.id.in_(lot_ids)),
    )
    return {cost.lot_id: cost for cost in costs}
