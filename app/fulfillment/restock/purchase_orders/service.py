"""The verbs of purchase orders: plan one, confirm it by hand, cancel it, close it short."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals.rules import clean_reason
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.rules import USD
from app.fulfillment.restock.errors import (
    BelowMinimum,
    NeedEnded,
    NoSupplier,
    PurchaseMovedOn,
    PurchaseNotApproved,
)
from app.fulfillment.restock.needs import queries as needs_queries
from app.fulfillment.restock.needs import service as needs
from app.fulfillment.restock.needs.queries import NeedRow
from app.fulfillment.restock.needs.rules import NeedStatus
from app.fulfillment.restock.purchase_orders import queries
from app.fulfillment.restock.purchase_orders.models import (
    PurchaseOrder,
    PurchaseOrderEvent,
    PurchaseOrderLine,
)
from app.fulfillment.restock.purchase_orders.queries import PurchaseRow
from app.fulfillment.restock.purchase_orders.rules import (
    OWED,
    PREFIX,
    TRANSITIONS,
    PurchaseStatus,
    RestockRules,
    estimate_cost,
)
from app.fulfillment.restock.suppliers import queries as suppliers_queries
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.pricing import queries as pricing_queries
from app.pricing.errors import PriceStale
from app.settings.queries import current
from app.vault.alerts.service import StockPlace
from app.vault.deliveries import rules as deliveries_rules
from app.vault.locations import queries as locations_queries
from app.vault.lots.rules import metal_value
from app.vault.rules import clean_text

#: How long after a call the wholesaler is asked again how far an order is.
FOLLOW_PAUSE = timedelta(seconds=30)
_S = PurchaseStatus


@dataclass(frozen=True, slots=True)
class AgreedCost:
    """What all units of a line cost, and the price of the metal in it, per troy ounce."""

    cost: Amount
    spot: Decimal


def order_by_hand(
    session: Session, actor: Actor, *, location: str, units_by_sku: Mapping[str, int]
) -> list[UUID]:
    """Plan the purchase of units for a location, an order for each supplier, and return their ids.

    Raises `PermissionDenied`, `Invalid` naming the field, `NoSupplier`, `ShelfFull`,
    `BelowMinimum`, and `PriceStale`.
    """
    require(actor, Permission.PURCHASES_ORDER)
    place = locations_queries.find_location(session, location)
    if place is None:
        raise Invalid("location", "There is no location with this code. Check it.")
    known = {each.sku for each in products_queries.list_products(session, set(units_by_sku))}
    if missing := sorted(set(units_by_sku) - known):
        raise Invalid("sku", f"There is no product with the SKU {missing[0]}. Check it.")
    needs.lock(session)
    need_ids = [
        needs.want(session, StockPlace(sku, place.id), units)
        for sku, units in sorted(units_by_sku.items())
    ]
    return plan_all(session, actor, needs_queries.list_open_needs(session, need_ids))


def order_needs(session: Session, actor: Actor, *, supplier_id: UUID, location_id: UUID) -> UUID:
    """Plan the purchase of all open needs of a location that this supplier sells; return the
    order's id. Raises `PermissionDenied`, `BelowMinimum`, and `NeedEnded` if there is none."""
    require(actor, Permission.PURCHASES_ORDER)
    needs.refresh(session)
    group = [
        need
        for need in needs_queries.list_open_needs(session)
        if (need.supplier_id, need.location_id) == (supplier_id, location_id)
    ]
    if not group:
        raise NeedEnded
    [order_id] = plan_all(session, actor, group)
    return order_id


def plan_all(session: Session, actor: Actor | None, wanted: Sequence[NeedRow]) -> list[UUID]:
    """Plan an order for each supplier and location of these open needs, and return their ids. The
    caller holds the lock of needs. Raises `NoSupplier`, `BelowMinimum` and `PriceStale`."""
    groups: dict[tuple[UUID, UUID], list[NeedRow]] = {}
    for need in wanted:
        if need.supplier_id is None:
            raise NoSupplier(f"{need.sku} has no supplier. Add it to the products of one.")
        groups.setdefault((need.supplier_id, need.location_id), []).append(need)
    return [
        _plan(session, actor, supplier_id, location_id, group)
        for (supplier_id, location_id), group in groups.items()
    ]


def _plan(
    session: Session,
    actor: Actor | None,
    supplier_id: UUID,
    location_id: UUID,
    group: Sequence[NeedRow],
) -> UUID:
    """Plan one order. What costs more than is ordered without a second person is held."""
    supplier = suppliers_queries.get_supplier(session, supplier_id)
    units = {need.sku: need.units for need in group}
    estimate, rules = estimate_units(session, units), current(session, RestockRules)
    if estimate.units < supplier.minimum_usd:
        raise BelowMinimum
    is_large = rules.unapproved_max < estimate
    status = _S.HELD if is_large else _S.PLANNED
    order_id, now = ids.new(), clock.now()
    session.write(
        sa.insert(PurchaseOrder).values(
            id=order_id,
            supplier_id=supplier.id,
            location_id=location_id,
            status=status,
            requested_by=actor.user_id if actor else None,
            estimate_usd=estimate.units,
            tracking="",
            failure="",
            due_at=now if supplier.provider and not is_large else None,
            planned_at=now,
        )
    )
    codes = suppliers_queries.products_by_sku(session, units)
    for position, need in enumerate(sorted(group, key=lambda need: need.sku), start=1):
        needs.end(session, need.id, NeedStatus.ORDERED)
        session.write(
            sa.insert(PurchaseOrderLine).values(
                order_id=order_id,
                position=position,
                sku=need.sku,
                need_id=need.id,
                code=codes[need.sku].code,
                units=need.units,
            )
        )
    record_event(session, order_id, None, status, actor=actor, at=now)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PURCHASE_PLANNED,
        subject=ids.encode(PREFIX, order_id),
        after={"supplier": supplier.name, "estimate": str(estimate), **units},
    )
    return order_id


def estimate_units(session: Session, units_by_sku: Mapping[str, int]) -> Amount:
    """Return what units of products may cost: their metal at the ask, and the margin of the
    settings. Raises `PriceStale` for a metal that never had a price."""
    products = products_queries.list_products(session, set(units_by_sku))
    asks = {
        price.metal: price.ask
        for price in pricing_queries.market_prices(session, {each.metal for each in products})
    }
    metal = 0
    for product in products:
        if product.metal not in asks:
            raise PriceStale
        ounces = Amount(
            product.accounted.asset, product.accounted.units * units_by_sku[product.sku]
        )
        metal += metal_value(ounces, asks[product.metal]).units
    return estimate_cost(Amount(USD, metal), current(session, RestockRules).margin_percent)


def confirm(
    session: Session,
    actor: Actor,
    order_id: UUID,
    *,
    confirmation: str,
    costs: Mapping[str, AgreedCost],
) -> None:
    """Record that a supplier without an API took an order under its number, at these costs by SKU.

    Raises `PermissionDenied`, `NotFound`, `PurchaseMovedOn`, `PurchaseNotApproved`, and `Invalid`
    naming the field.
    """
    require(actor, Permission.PURCHASES_ORDER)
    order = queries.lock_purchase(session, order_id)
    if order.status is not _S.PLANNED or order.provider is not None:
        raise PurchaseMovedOn
    lines = queries.list_lines(session, order.id)
    if {line.sku for line in lines} != set(costs):
        raise Invalid("lines", "Enter each product of the order once, and no other one.")
    cost = Amount(USD, sum(each.cost.units for each in costs.values()))
    if largest_cost(session, order) < cost:
        raise PurchaseNotApproved
    set_costs(session, order, costs)
    mark_ordered(session, actor, order, clean_text("confirmation", confirmation), cost)


def largest_cost(session: Session, order: PurchaseRow) -> Amount:
    """Return what an order may cost: as two people approved, or else without a second person."""
    return order.approved or current(session, RestockRules).unapproved_max


def set_costs(session: Session, order: PurchaseRow, costs: Mapping[str, AgreedCost]) -> None:
    """Store what each product of an order costs, by SKU. Raises `Invalid` naming `lines` for a
    cost whose metal is worth less than a cent."""
    for line in queries.list_lines(session, order.id):
        agreed = costs[line.sku]
        deliveries_rules.divide_cost(agreed.cost, line.ounces_of(line.units), agreed.spot)
        session.write(
            sa.update(PurchaseOrderLine)
            .where(
                PurchaseOrderLine.order_id == order.id,
                PurchaseOrderLine.position == line.position,
            )
            .values(cost_usd=agreed.cost.units, spot=agreed.spot)
        )


def mark_ordered(
    session: Session, actor: Actor | None, order: PurchaseRow, confirmation: str, cost: Amount
) -> None:
    """Note that the supplier took a locked order under its own number: what it owes is exposure
    from now on."""
    now = clock.now()
    change(
        session,
        actor,
        order,
        _S.ORDERED,
        evidence=f"{confirmation}, {cost} USD",
        confirmation=confirmation,
        ordered_at=now,
        expected_on=(now + timedelta(days=order.lead_days)).date(),
        due_at=now + FOLLOW_PAUSE if order.provider else None,
    )


def cancel(session: Session, actor: Actor, order_id: UUID, *, reason: str) -> None:
    """Cancel an order that no supplier has. Raises `PermissionDenied`, `NotFound`,
    `PurchaseMovedOn`, and `Invalid` for the reason."""
    require(actor, Permission.PURCHASES_ORDER)
    order = queries.lock_purchase(session, order_id)
    if order.status not in {_S.PLANNED, _S.HELD}:
        raise PurchaseMovedOn
    end(session, actor, order, _S.CANCELLED, clean_reason(reason))


def close_short(session: Session, actor: Actor, order_id: UUID, *, reason: str) -> None:
    """Close an order of which the supplier will not send the rest: it is on order no more. Raises
    as `cancel` does."""
    require(actor, Permission.PURCHASES_ORDER)
    order = queries.lock_purchase(session, order_id)
    if order.status not in OWED:
        raise PurchaseMovedOn
    end(session, actor, order, _S.CLOSED, clean_reason(reason))


def end(
    session: Session,
    actor: Actor | None,
    order: PurchaseRow,
    status: PurchaseStatus,
    evidence: str,
    **values: object,
) -> None:
    """Give a locked order a final status."""
    change(
        session,
        actor,
        order,
        status,
        evidence=evidence,
        due_at=None,
        ended_at=clock.now(),
        **values,
    )


def change(
    session: Session,
    actor: Actor | None,
    order: PurchaseRow,
    status: PurchaseStatus,
    *,
    evidence: str | None = None,
    **values: object,
) -> None:
    """Give a locked order another status, with these columns. Raises `PurchaseMovedOn` unless it
    may follow."""
    if not TRANSITIONS.allows(order.status, status):
        raise PurchaseMovedOn
    session.write(
        sa.update(PurchaseOrder)
        .where(PurchaseOrder.id == order.id)
        .values(status=TRANSITIONS.transition(order.status, status), **values)
    )
    record_event(
        session, order.id, order.status, status, actor=actor, evidence=evidence, at=clock.now()
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PURCHASE_CHANGED,
        subject=order.public_id,
        before={"status": order.status},
        after={"status": status},
        reason=evidence,
    )


def record_event(
    session: Session,
    order_id: UUID,
    before: PurchaseStatus | None,
    after: PurchaseStatus,
    *,
    actor: Actor | None,
    evidence: str | None = None,
    at: datetime,
) -> None:
    """Record that an order got a status, or that something happened in it."""
    session.write(
        sa.insert(PurchaseOrderEvent).values(
            id=ids.new(),
            order_id=order_id,
            from_status=before,
            to_status=after,
            actor_id=actor.user_id if actor else None,
            evidence=evidence,
            at=at,
        )
    )
