"""Named reads of purchase orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.products.rules import accounted_units
from app.catalog.rules import SYNTHETIC, USD, Metal
from app.fulfillment.restock.purchase_orders.models import (
    PurchaseOrder,
    PurchaseOrderEvent,
    PurchaseOrderLine,
)
from app.fulfillment.restock.purchase_orders.rules import (
    OWED,
    PREFIX,
    TRANSITIONS,
    PurchaseStatus,
)
from app.fulfillment.restock.suppliers.models import Supplier
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.vault.locations.models import Location


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """A purchase order. Sums are in cents; `cost_usd` is None until a price is agreed."""

    id: UUID
    number: int
    supplier_id: UUID
    supplier: str
    provider: str | None
    lead_days: int
    payment_days: int
    location_id: UUID
    location_code: str
    branch_id: UUID
    status: PurchaseStatus
    requested_by: UUID | None
    estimate_usd: int
    approved_usd: int | None
    lock_token: str | None
    lock_ends_at: datetime | None
    confirmation: str | None
    ordered_at: datetime | None
    expected_on: date | None
    tracking: str
    failure: str
    units: int
    received_units: int
    cost_usd: int | None
    planned_at: datetime
    ended_at: datetime | None

    @property
    def public_id(self) -> PublicId:
        """The id as others see it, which wholesalers get as our reference."""
        return ids.encode(PREFIX, self.id)

    @property
    def supplier_public_id(self) -> PublicId:
        """The supplier's id as others see it."""
        return ids.encode("sup", self.supplier_id)

    @property
    def estimate(self) -> Amount:
        """What it may cost, by the market, when it was planned."""
        return Amount(USD, self.estimate_usd)

    @property
    def approved(self) -> Amount | None:
        """What two people agreed that it may cost."""
        return None if self.approved_usd is None else Amount(USD, self.approved_usd)

    @property
    def cost(self) -> Amount | None:
        """What it costs as agreed."""
        return None if self.cost_usd is None else Amount(USD, self.cost_usd)

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return TRANSITIONS.is_final(self.status)


@dataclass(frozen=True, slots=True)
class PurchaseLineRow:
    """Units of a product in a purchase order."""

    position: int
    sku: str
    product_name: str
    metal: Metal
    is_serialized: bool
    gross_units: int
    fine_units: int
    code: str
    units: int
    cost_usd: int | None
    spot: Decimal | None
    shipped_units: int
    received_units: int

    @property
    def missing(self) -> int:
        """The units that have not arrived."""
        return max(0, self.units - self.received_units)

    @property
    def cost(self) -> Amount | None:
        """What all its units cost as agreed."""
        return None if self.cost_usd is None else Amount(USD, self.cost_usd)

    def ounces_of(self, units: int) -> Amount:
        """Return the accounted ounces of so many units."""
        one = accounted_units(self.metal, self.gross_units, self.fine_units)
        return Amount(SYNTHETIC[self.metal], one * units)


@dataclass(frozen=True, slots=True)
class PurchaseStep:
    """A status that a purchase order took."""

    status: PurchaseStatus
    actor_id: UUID | None
    evidence: str | None
    at: datetime


def _sum(column: sa.ColumnElement[Any]) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.cast(sa.func.sum(column), sa.BigInteger))
        .where(PurchaseOrderLine.order_id == PurchaseOrder.id)
        .correlate(PurchaseOrder)
        .scalar_subquery()
    )


_ORDERS = (
    sa.select(
        PurchaseOrder.id,
        PurchaseOrder.number,
        PurchaseOrder.supplier_id,
        Supplier.name.label("supplier"),
        Supplier.provider,
        Supplier.lead_days,
        Supplier.payment_days,
        PurchaseOrder.location_id,
        Location.code.label("location_code"),
        Location.branch_id,
        PurchaseOrder.status,
        PurchaseOrder.requested_by,
        PurchaseOrder.estimate_usd,
        PurchaseOrder.approved_usd,
        PurchaseOrder.lock_token,
        PurchaseOrder.lock_ends_at,
        PurchaseOrder.confirmation,
        PurchaseOrder.ordered_at,
        PurchaseOrder.expected_on,
        PurchaseOrder.tracking,
        PurchaseOrder.failure,
        _sum(PurchaseOrderLine.units.expression).label("units"),
        _sum(PurchaseOrderLine.received_units.expression).label("received_units"),
        _sum(PurchaseOrderLine.cost_usd.expression).label("cost_usd"),
        PurchaseOrder.planned_at,
        PurchaseOrder.ended_at,
    )
    .join(Supplier, Supplier.id == PurchaseOrder.supplier_id)
    .join(Location, Location.id == PurchaseOrder.location_id)
)
_LINES = sa.select(
    PurchaseOrderLine.position,
    PurchaseOrderLine.sku,
    Product.name.label("product_name"),
    Product.metal,
    Product.is_serialized,
    Product.gross_units,
    Product.fine_units,
    PurchaseOrderLine.code,
    PurchaseOrderLine.units,
    PurchaseOrderLine.cost_usd,
    PurchaseOrderLine.spot,
    PurchaseOrderLine.shipped_units,
    PurchaseOrderLine.received_units,
).join(Product, Product.sku == PurchaseOrderLine.sku)
_STEPS = sa.select(
    PurchaseOrderEvent.to_status.label("status"),
    PurchaseOrderEvent.actor_id,
    PurchaseOrderEvent.evidence,
    PurchaseOrderEvent.at,
)
PURCHASES = ListSource(
    PurchaseRow,
    _ORDERS,
    key=PurchaseOrder.id,
    sorts={"planned": PurchaseOrder.id, "number": PurchaseOrder.number},
    filters={
        "number": lambda number: PurchaseOrder.number == number,
        "status": lambda status: PurchaseOrder.status == status,
        "supplier": lambda text: Supplier.name.icontains(text, autoescape=True),
        "location": lambda text: Location.code == text.upper(),
    },
)


def get_purchase(session: Session, order_id: UUID) -> PurchaseRow:
    """Return a purchase order. Raises `NotFound`."""
    return session.get(PurchaseRow, _ORDERS.where(PurchaseOrder.id == order_id))


def lock_purchase(session: Session, order_id: UUID) -> PurchaseRow:
    """Return a purchase order, its row locked until the transaction ends. Raises `NotFound`."""
    found = _ORDERS.where(PurchaseOrder.id == order_id)
    return session.get(PurchaseRow, found.with_for_update(of=PurchaseOrder))


def list_open(session: Session) -> Sequence[PurchaseRow]:
    """Return the purchase orders that have not ended, oldest first."""
    found = _ORDERS.where(PurchaseOrder.ended_at.is_(None))
    return session.select(PurchaseRow, found.order_by(PurchaseOrder.id))


def list_ordered(
    session: Session, provider: str, since: datetime, until: datetime
) -> Sequence[PurchaseRow]:
    """Return the orders that the supplier of a provider confirmed from `since` to before
    `until`."""
    found = _ORDERS.where(
        Supplier.provider == provider,
        PurchaseOrder.ordered_at >= since,
        PurchaseOrder.ordered_at < until,
    )
    return session.select(PurchaseRow, found.order_by(PurchaseOrder.id))


def list_lines(session: Session, order_id: UUID) -> Sequence[PurchaseLineRow]:
    """Return the lines of a purchase order, by position."""
    own = _LINES.where(PurchaseOrderLine.order_id == order_id)
    return session.select(PurchaseLineRow, own.order_by(PurchaseOrderLine.position))


def list_steps(session: Session, order_id: UUID) -> Sequence[PurchaseStep]:
    """Return the statuses that a purchase order took, oldest first."""
    own = _STEPS.where(PurchaseOrderEvent.order_id == order_id)
    return session.select(PurchaseStep, own.order_by(PurchaseOrderEvent.id))


def units_owed(session: Session) -> Mapping[str, int]:
    """Return the ounces that suppliers owe us, in 10^-8 by asset: of orders whose price is agreed,
    what has not been received. A delivery that is received counts here no more."""
    owed = sa.select(
        Product.metal,
        Product.gross_units,
        Product.fine_units,
        sa.cast(
            sa.func.sum(
                sa.func.greatest(0, PurchaseOrderLine.units - PurchaseOrderLine.received_units)
            ),
            sa.BigInteger,
        ).label("units"),
    )
    found = (
        owed.join(PurchaseOrderLine, PurchaseOrderLine.sku == Product.sku)
        .join(PurchaseOrder, PurchaseOrder.id == PurchaseOrderLine.order_id)
        .where(PurchaseOrder.status.in_(OWED))
        .group_by(Product.sku)
    )
    ounces: dict[str, int] = {}
    for metal, gross, fine, units in session.select(
        lambda metal, gross_units, fine_units, units: (metal, gross_units, fine_units, units), found
    ):
        code = SYNTHETIC[metal].code
        ounces[code] = ounces.get(code, 0) + accounted_units(metal, gross, fine) * units
    return ounces


def list_failed_places(session: Session, since: datetime) -> set[tuple[str, UUID]]:
    """Return the products and locations of orders that their supplier refused since an instant."""
    failed = (
        sa.select(PurchaseOrderLine.sku, PurchaseOrder.location_id)
        .join(PurchaseOrder, PurchaseOrder.id == PurchaseOrderLine.order_id)
        .where(PurchaseOrder.status == PurchaseStatus.FAILED, PurchaseOrder.ended_at >= since)
    )
    return set(session.select(lambda sku, location_id: (sku, location_id), failed))
