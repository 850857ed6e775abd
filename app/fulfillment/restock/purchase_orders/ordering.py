"""The verbs of orders to wholesalers: lock the price, place the order once, follow it.

A wholesaler is called between two transactions. Only the process that gives an order the status
`executing` calls to place it, and it does so once: whatever became of that call, the order is then
looked for by our reference. It is planned anew only when the wholesaler does not have it although
its lock has ended long enough ago that no call can be on its way.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.cases import service as cases
from app.catalog.rules import USD
from app.fulfillment.restock.purchase_orders import queries
from app.fulfillment.restock.purchase_orders import service as purchases
from app.fulfillment.restock.purchase_orders.models import PurchaseOrder, PurchaseOrderLine
from app.fulfillment.restock.purchase_orders.ports import (
    LOCK_ENDED,
    WholesaleLine,
    WholesaleLock,
    WholesaleOrder,
    Wholesaler,
    Wholesalers,
)
from app.fulfillment.restock.purchase_orders.queries import PurchaseRow
from app.fulfillment.restock.purchase_orders.rules import OWED, PurchaseStatus
from app.fulfillment.restock.purchase_orders.service import AgreedCost
from app.fulfillment.restock.suppliers.models import Supplier
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.money import Amount
from app.kit.ports import resolve
from app.kit.postal_addresses import PostalAddress
from app.outbox import service as outbox
from app.providers.errors import ProviderRefused, ProviderUnavailable
from app.vault.locations import queries as locations_queries

ADVANCE_TASK: Final = "fulfillment.advance_purchase"
#: The kind of the case of an order that its wholesaler refused or lost; its key is the order.
REFUSED: Final = "restock.order_refused"
#: A lock with less time left is not used.
_LOCK_LEFT_MIN = timedelta(seconds=5)
#: Longer than a call to place an order can take after its lock has ended.
SETTLED_AFTER: Final = timedelta(minutes=2)
_PAUSE = timedelta(seconds=10)
_DUE_AT_ONCE = 200
_S = PurchaseStatus


@dataclass(frozen=True, slots=True)
class _Locking:
    """What the call to lock a price needs."""

    order: PurchaseRow
    lines: tuple[queries.PurchaseLineRow, ...]


def poll(session: Session) -> None:
    """Stage the job of every order that is due. Those of a wholesaler that is not configured
    wait."""
    now, wholesalers = clock.now(), resolve(Wholesalers)
    due = (
        sa.select(PurchaseOrder.id.label("order_id"), Supplier.provider)
        .join(Supplier, Supplier.id == PurchaseOrder.supplier_id)
        .where(PurchaseOrder.due_at <= now)
        .order_by(PurchaseOrder.due_at)
        .limit(_DUE_AT_ONCE)
        .with_for_update(of=PurchaseOrder, skip_locked=True)
    )
    for order_id, provider in session.select(lambda order_id, provider: (order_id, provider), due):
        _set(session, order_id, due_at=now + _PAUSE)
        if provider in wholesalers:
            arguments = {"order_id": str(order_id)}
            outbox.stage(session, ADVANCE_TASK, arguments, provider=provider)


def advance(database: Database, order_id: UUID) -> None:
    """Bring an order as far as its wholesaler lets it, once, however often this is called.

    Uses transactions of its own. Raises `ProviderUnavailable` and `ProviderOutcomeUnknown` for a
    later try.
    """
    with database.transaction() as session:
        order = queries.lock_purchase(session, order_id)
        if order.status not in OWED | {_S.PLANNED, _S.LOCKED, _S.EXECUTING}:
            _set(session, order_id, due_at=None)
            return
        lines = tuple(queries.list_lines(session, order_id))
        place = locations_queries.get_location(session, order.location_id)
    wholesaler = resolve(Wholesalers).get(order.provider or "")
    if wholesaler is None:
        raise ProviderUnavailable("The wholesaler is not configured.")
    if order.status is _S.PLANNED:
        _lock_price(database, wholesaler, _Locking(order, lines))
    if order.status in {_S.PLANNED, _S.LOCKED}:
        _place(database, wholesaler, order_id, place.postal)
    elif order.status is _S.EXECUTING:
        _look_for(database, wholesaler, order)
    else:
        _follow(database, wholesaler, order)


def _lock_price(database: Database, wholesaler: Wholesaler, locking: _Locking) -> None:
    """Lock the price of a planned order. One that is dearer than it may be is held."""
    order, lines = locking.order, locking.lines
    wanted = [WholesaleLine(line.code, line.units) for line in lines]
    try:
        lock = wholesaler.lock(order.public_id, wanted, frozenset(line.metal for line in lines))
    except ProviderRefused as refusal:
        with database.transaction() as session:
            _fail(session, order.id, _S.PLANNED, str(refusal))
        return
    with database.transaction() as session:
        order = queries.lock_purchase(session, order.id)
        if order.status is _S.PLANNED:
            _store_lock(session, order, lines, lock)


def _store_lock(
    session: Session,
    order: PurchaseRow,
    lines: tuple[queries.PurchaseLineRow, ...],
    lock: WholesaleLock,
) -> None:
    costs = {line.sku: AgreedCost(lock.costs[line.code], lock.spots[line.metal]) for line in lines}
    cost = Amount(USD, sum(each.cost.units for each in costs.values()))
    most = purchases.largest_cost(session, order)
    if order.approved is None:
        most = min(most, order.estimate)
    purchases.set_costs(session, order, costs)
    if most < cost:
        evidence = f"It costs {cost} USD and may cost {most} USD"
        purchases.change(session, None, order, _S.HELD, evidence=evidence, due_at=None)
        return
    purchases.change(
        session,
        None,
        order,
        _S.LOCKED,
        evidence=f"{cost} USD",
        lock_token=lock.token,
        lock_ends_at=lock.ends_at,
    )


def _place(
    database: Database, wholesaler: Wholesaler, order_id: UUID, address: PostalAddress | None
) -> None:
    """Place a locked order; this process alone does."""
    with database.transaction() as session:
        order = queries.lock_purchase(session, order_id)
        if order.status is not _S.LOCKED:
            return
        assert order.lock_token is not None  # of locked orders
        if _ends_at(order) < clock.now() + _LOCK_LEFT_MIN:
            _plan_again(session, order, "The lock ended before the order was placed")
            return
        purchases.change(session, None, order, _S.EXECUTING, due_at=clock.now() + _PAUSE)
    try:
        placed = wholesaler.execute(
            order.public_id, order.lock_token, number=order.number, address=address
        )
    except ProviderRefused as refusal:
        with database.transaction() as session:
            if refusal.code == LOCK_ENDED:
                current = queries.lock_purchase(session, order_id)
                if current.status is _S.EXECUTING:
                    _plan_again(session, current, "The lock had ended")
            else:
                _fail(session, order_id, _S.EXECUTING, str(refusal))
        return
    with database.transaction() as session:
        _store_placed(session, order_id, placed)


def _look_for(database: Database, wholesaler: Wholesaler, order: PurchaseRow) -> None:
    """Find out what became of the call that placed an order."""
    found = wholesaler.find(order.public_id)
    with database.transaction() as session:
        if found is not None:
            _store_placed(session, order.id, found)
            return
        current = queries.lock_purchase(session, order.id)
        if current.status is not _S.EXECUTING or current.lock_token != order.lock_token:
            return
        if _ends_at(current) + SETTLED_AFTER < clock.now():
            _plan_again(session, current, "The wholesaler does not have the order")


def _store_placed(session: Session, order_id: UUID, placed: WholesaleOrder) -> None:
    order = queries.lock_purchase(session, order_id)
    if order.status is _S.EXECUTING:
        assert order.cost is not None  # of locked orders
        purchases.mark_ordered(session, None, order, placed.confirmation, order.cost)


def _follow(database: Database, wholesaler: Wholesaler, order: PurchaseRow) -> None:
    """Store what the wholesaler has sent of an order. What it said before it may say again, and
    later than the news: nothing that was sent is taken back."""
    found = wholesaler.find(order.public_id)
    with database.transaction() as session:
        order = queries.lock_purchase(session, order.id)
        if order.status not in OWED:
            return
        if found is None:
            _open_case(session, order, "The wholesaler does not know the order any more.")
            _set(session, order.id, due_at=None)
        elif found.is_cancelled:
            _open_case(session, order, "The wholesaler cancelled the order.")
            purchases.end(session, None, order, _S.CLOSED, "Cancelled by the wholesaler")
        else:
            _store_sent(session, order, found)


def _store_sent(session: Session, order: PurchaseRow, found: WholesaleOrder) -> None:
    is_all = True
    for line in queries.list_lines(session, order.id):
        sent = max(line.shipped_units, found.sent.get(line.code, 0))
        is_all = is_all and sent >= line.units
        if sent > line.shipped_units:
            session.write(
                sa.update(PurchaseOrderLine)
                .where(
                    PurchaseOrderLine.order_id == order.id,
                    PurchaseOrderLine.position == line.position,
                )
                .values(shipped_units=sent)
            )
    known = order.tracking.split(", ") if order.tracking else []
    tracking = ", ".join(dict.fromkeys((*known, *found.tracking)))
    due_at = None if is_all else clock.now() + purchases.FOLLOW_PAUSE
    if order.status is _S.ORDERED and any(found.sent.values()):
        purchases.change(
            session, None, order, _S.SHIPPED, evidence=tracking, tracking=tracking, due_at=due_at
        )
    else:
        _set(session, order.id, tracking=tracking, due_at=due_at)


def _plan_again(session: Session, order: PurchaseRow, why: str) -> None:
    purchases.change(session, None, order, _S.PLANNED, evidence=why, due_at=clock.now())


def _fail(session: Session, order_id: UUID, expected: PurchaseStatus, why: str) -> None:
    """End an order that the wholesaler refused, unless it moved on meanwhile, and open a case."""
    order = queries.lock_purchase(session, order_id)
    if order.status is expected:
        purchases.end(session, None, order, _S.FAILED, why, failure=why)
        _open_case(session, order, why)


def _open_case(session: Session, order: PurchaseRow, why: str) -> None:
    cases.open_once(
        session,
        kind=REFUSED,
        subject=order.public_id,
        key=order.public_id,
        title="A wholesaler does not deliver a purchase order",
        facts={"Order": str(order.number), "Supplier": order.supplier, "Reason": why},
    )


def _ends_at(order: PurchaseRow) -> datetime:
    assert order.lock_ends_at is not None  # of locked orders
    return order.lock_ends_at


def _set(session: Session, order_id: UUID, **values: object) -> None:
    session.write(sa.update(PurchaseOrder).where(PurchaseOrder.id == order_id).values(**values))
