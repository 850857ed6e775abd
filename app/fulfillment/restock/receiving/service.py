"""The verb of receiving: count what arrived of a purchase order."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.catalog.rules import USD
from app.fulfillment.restock.errors import MoreThanOrdered, PurchaseMovedOn
from app.fulfillment.restock.purchase_orders import queries as purchases_queries
from app.fulfillment.restock.purchase_orders import service as purchases
from app.fulfillment.restock.purchase_orders.models import PurchaseOrderLine
from app.fulfillment.restock.purchase_orders.queries import PurchaseLineRow, PurchaseRow
from app.fulfillment.restock.purchase_orders.rules import OWED, PurchaseStatus, share_of_cost
from app.fulfillment.restock.receiving.models import PurchaseReceipt
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.vault.bars import rules as bars_rules
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewBarReceipt, NewReceipt
from app.vault.rules import clean_text, parse_units

_S = PurchaseStatus


@dataclass(frozen=True, slots=True)
class ArrivedGoods:
    """What was counted of one product: `units`, or the list of `bars` of one with serials."""

    sku: str
    delivery_note: str
    units: str = ""
    bars: str = ""
    #: Not empty to keep units that were not ordered.
    keep_surplus: str = ""


def receive(session: Session, actor: Actor, order_id: UUID, arrival: ArrivedGoods) -> UUID:
    """Put what arrived on the shelf at the price that was agreed, and return the receipt's id. A
    delivery note is received once for each product.

    Raises `PermissionDenied`, `NotFound`, `PurchaseMovedOn`, `MoreThanOrdered`, `DeliveryReceived`,
    `BarInVault`, and `Invalid` naming the field.
    """
    require(actor, Permission.VAULT_RECEIVE)
    order = purchases_queries.lock_purchase(session, order_id)
    if order.status not in OWED | {_S.RECEIVED}:
        raise PurchaseMovedOn
    lines = {line.sku: line for line in purchases_queries.list_lines(session, order.id)}
    line = lines.get(arrival.sku.upper())
    if line is None:
        raise Invalid("sku", "This product is not in the order. Choose another one.")
    units = _count(line, arrival)
    surplus = max(0, units - line.missing)
    if surplus and not arrival.keep_surplus:
        raise MoreThanOrdered
    assert line.cost_usd is not None  # of orders that are confirmed
    cost = share_of_cost(line.cost_usd, line.units, line.received_units, units)
    receipt_id, note = ids.new(), clean_text("delivery_note", arrival.delivery_note)
    lot_id = _put_on_shelf(session, actor, order, line, arrival, cost=Amount(USD, cost))
    session.write(
        sa.insert(PurchaseReceipt).values(
            id=receipt_id,
            order_id=order.id,
            position=line.position,
            delivery_note=note,
            lot_id=lot_id,
            units=units,
            surplus_units=surplus,
            cost_usd=cost,
            received_by=actor.user_id,
            received_at=clock.now(),
        )
    )
    session.write(
        sa.update(PurchaseOrderLine)
        .where(PurchaseOrderLine.order_id == order.id, PurchaseOrderLine.position == line.position)
        .values(received_units=PurchaseOrderLine.received_units + units)
    )
    _follow(session, actor, order, f"{note}: {units} x {line.sku}")
    return receipt_id


def _count(line: PurchaseLineRow, arrival: ArrivedGoods) -> int:
    if not line.is_serialized:
        return parse_units("units", arrival.units)
    return len(bars_rules.parse_bars(arrival.bars, line.metal, line.gross_units))


def _put_on_shelf(
    session: Session,
    actor: Actor,
    order: PurchaseRow,
    line: PurchaseLineRow,
    arrival: ArrivedGoods,
    *,
    cost: Amount,
) -> UUID:
    """Receive the goods into the vault, and return the id of their lot."""
    facts = {
        "sku": line.sku,
        "location": order.location_code,
        "cost": str(cost),
        "spot": str(line.spot),
        "supplier": order.supplier,
        "supplier_reference": f"{order.number} / {arrival.delivery_note}",
    }
    if line.is_serialized:
        return deliveries.receive_bars(session, actor, NewBarReceipt(bars=arrival.bars, **facts))
    return deliveries.receive_goods(session, actor, NewReceipt(units=arrival.units, **facts))


def _follow(session: Session, actor: Actor, order: PurchaseRow, evidence: str) -> None:
    """Give the order the status that follows from what has arrived in all."""
    lines = purchases_queries.list_lines(session, order.id)
    if order.status is not _S.RECEIVED and not any(line.missing for line in lines):
        purchases.end(session, actor, order, _S.RECEIVED, evidence)
    elif order.status in {_S.ORDERED, _S.SHIPPED}:
        purchases.change(session, actor, order, _S.PART_RECEIVED, evidence=evidence)
    else:
        purchases.record_event(
            session, order.id, order.status, order.status, actor=actor, evidence=evidence,
            at=clock.now(),
        )  # fmt: skip
