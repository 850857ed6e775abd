"""Orders of goods as staff list and read them, and where the goods of an order are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.cases import queue_sources
from app.cases.queue_sources import QueueSource
from app.catalog.rules import USD
from app.kit import ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.kit.statements import compile_select
from app.shop.orders import queries, rules
from app.shop.orders.models import ShopOrder, ShopOrderLine, ShopOrderPart
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import HoldReason, OrderStatus
from app.tax.assessment import Delivery
from app.vault.bars.queries import PREFIX as BAR_PREFIX
from app.vault.locations.models import Location


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order in the list of staff."""

    id: UUID
    number: int
    user_id: UUID
    status: OrderStatus
    destination: Delivery
    units: int
    total_units: int
    placed_at: datetime
    paid_at: datetime | None
    hold_reasons: tuple[HoldReason, ...]
    held_at: datetime | None

    @property
    def hold_reason_text(self) -> str:
        """Why staff look or looked at it; empty if no rule wanted that."""
        return "; ".join(reason.label for reason in self.hold_reasons)

    @property
    def public_id(self) -> PublicId:
        """The id as the API and the pages show it."""
        return ids.encode(rules.PREFIX, self.id)

    @property
    def total(self) -> Amount:
        """What the customer pays."""
        return Amount(USD, self.total_units)


@dataclass(frozen=True, slots=True)
class PlacedUnits:
    """Units of an order at one location, or one bar."""

    sku: str
    location_code: str
    units: int
    tax_place: str
    lot_id: UUID | None

    @property
    def bar_id(self) -> PublicId | None:
        """The id of the bar as staff see it; None for units without a serial."""
        return ids.encode(BAR_PREFIX, self.lot_id) if self.lot_id is not None else None


_UNITS = (
    sa.select(sa.cast(sa.func.sum(ShopOrderLine.quantity), sa.BigInteger))
    .where(ShopOrderLine.order_id == ShopOrder.id)
    .scalar_subquery()
)
ORDERS = ListSource(
    ListedOrder,
    sa.select(
        ShopOrder.id,
        ShopOrder.number,
        ShopOrder.user_id,
        ShopOrder.status,
        ShopOrder.destination,
        _UNITS.label("units"),
        ShopOrder.total_units,
        ShopOrder.placed_at,
        ShopOrder.paid_at,
        ShopOrder.hold_reasons,
        ShopOrder.held_at,
    ),
    key=ShopOrder.id,
    sorts={"placed": ShopOrder.placed_at, "number": ShopOrder.number},
    filters={
        "customer": lambda user_id: ShopOrder.user_id == user_id,
        "number": lambda number: ShopOrder.number == number,
        "status": lambda status: ShopOrder.status == status,
        "destination": lambda destination: ShopOrder.destination == destination,
        "from": lambda instant: ShopOrder.placed_at >= instant,
        "to": lambda instant: ShopOrder.placed_at < instant,
    },
)
_IS_HELD = ShopOrder.status == OrderStatus.ON_HOLD
#: Those that wait for a decision of staff.
HELD_ORDERS = replace(
    ORDERS,
    select=ORDERS.select.where(_IS_HELD),
    sorts={"held": ShopOrder.held_at},
    filters={"why": lambda reason: ShopOrder.hold_reasons.contains([reason])},
)
#: How many there are.
AWAITING_STAFF = Count(
    compile_select(sa.select(sa.func.count()).select_from(ShopOrder).where(_IS_HELD)).statement
)
_PLACES = (
    sa.select(
        ShopOrderLine.sku,
        Location.code.label("location_code"),
        ShopOrderPart.units,
        sa.func.concat_ws(
            " ", ShopOrderPart.tax_country, ShopOrderPart.tax_state, ShopOrderPart.tax_postal_code
        ).label("tax_place"),
        ShopOrderPart.lot_id,
    )
    .join_from(
        ShopOrderPart,
        ShopOrderLine,
        sa.and_(
            ShopOrderLine.order_id == ShopOrderPart.order_id,
            ShopOrderLine.position == ShopOrderPart.line_position,
        ),
    )
    .join(Location, Location.id == ShopOrderPart.location_id)
)


def view_order(session: Session, actor: Actor, order_id: UUID) -> GoodsOrder:
    """Return an order with its addresses, and record that this member of staff read it, once an
    hour. Raises `NotFound`."""
    order = queries.get_order(session, order_id)
    audit.record_viewing(
        session,
        actor=actor,
        action=AuditAction.GOODS_ORDER_VIEWED,
        subject=order.public_id,
        on_behalf_of=order.user_id,
    )
    return order


def list_places(session: Session, order_id: UUID) -> Sequence[PlacedUnits]:
    """Return where the goods of an order are, in the order of its lines."""
    own = _PLACES.where(ShopOrderPart.order_id == order_id)
    return session.select(PlacedUnits, own.order_by(ShopOrderPart.position))


queue_sources.register(
    QueueSource(
        "order",
        "Order on hold",
        Permission.SHOP_ORDERS_REVIEW,
        rules.PREFIX,
        lambda _actor: sa.select(
            ShopOrder.id.label("subject_id"), ShopOrder.user_id, ShopOrder.held_at.label("since")
        ).where(_IS_HELD),
    )
)
