"""Settle goods that were not delivered, with a second person: replace lost ones from stock, or give
back what they cost."""

from datetime import datetime
from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.catalog.rules import USD
from app.fulfillment.shipments import queries, requesting, service
from app.fulfillment.shipments.errors import GoodsNotScanned, ShipmentMovedOn
from app.fulfillment.shipments.queries import ShipmentRow
from app.fulfillment.shipments.rules import PREFIX, ShipmentStatus
from app.fulfillment.undelivered.errors import BarNotReplaceable
from app.fulfillment.undelivered.ports import SubjectOwner, SubjectOwners, Undelivered
from app.fulfillment.undelivered.service import put_on_shelf
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_exact_amount, format_time
from app.kit.labels import LabelledEnum
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.ledger.service import NewPosting
from app.pricing import queries as pricing_queries
from app.pricing.errors import PriceStale
from app.vault.lots import service as lots
from app.vault.lots.rules import metal_value
from app.vault.lots.service import TakenGoods
from app.vault.movements.rules import MovementCause
from app.vault.stock import service as stock

SETTLE = "shipment.settle"
_S = ShipmentStatus


class Settlement(LabelledEnum):
    """What the customer gets in place of goods that were not delivered."""

    GIVE_BACK = "give_back", "Give back what they cost"
    """Of an order their price; of a redemption their metal."""
    REPLACE = "replace", "Replace them from stock"
    """The same units from the same location, in a new shipment; not bars with serials."""


def request_settlement(
    session: Session, actor: Actor, shipment_id: UUID, settlement: Settlement, *, reason: str
) -> UUID:
    """Request the settlement of a shipment that came back or is lost; a second person approves it.
    Return the id of the request.

    Raises `PermissionDenied`, `NotFound`, `ShipmentMovedOn`, `GoodsNotScanned`,
    `BarNotReplaceable`, `ApprovalPending`, and `Invalid` for the reason.
    """
    shipment = queries.get_shipment(session, shipment_id)
    return approvals.request_approval(
        session,
        actor,
        SETTLE,
        {"shipment": shipment.public_id, "settlement": settlement},
        subject=shipment.public_id,
        subject_id=shipment.user_id,
        reason=reason,
    )


def _lock(session: Session, payload: TextFields) -> tuple[ShipmentRow, SubjectOwner, Settlement]:
    """Return the shipment, its subject and its row locked, and what becomes of it."""
    shipment_id = ids.decode(PREFIX, payload["shipment"])
    shipment = queries.get_shipment(session, shipment_id)
    owner = resolve(SubjectOwners)[shipment.subject_type]
    owner.lock(session, shipment.subject_id)
    settlement = Settlement(payload["settlement"])
    shipment = queries.lock_shipment(session, shipment_id)
    _check_possible(session, shipment, settlement)
    return shipment, owner, settlement


def _check_possible(session: Session, shipment: ShipmentRow, settlement: Settlement) -> None:
    lines = queries.list_lines(session, shipment.id)
    if settlement is Settlement.REPLACE:
        if shipment.status is not _S.LOST:
            raise ShipmentMovedOn
        if any(line.lot_id for line in lines):
            raise BarNotReplaceable
    elif shipment.status is _S.RETURNED:
        if any(line.missing for line in lines):
            raise GoodsNotScanned
    elif shipment.status is not _S.LOST:
        raise ShipmentMovedOn


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    shipment, _owner, settlement = _lock(session, payload)
    lines = queries.list_lines(session, shipment.id)
    return ProposedChange(
        {"status": shipment.status},
        {
            "status": _S.CANCELLED,
            "settlement": settlement,
            "number": str(shipment.number),
            "goods": ", ".join(f"{line.units} x {line.bar or line.sku}" for line in lines),
            "worth": f"{shipment.value} {shipment.value.asset.code}",
            "customer": ids.encode("usr", shipment.user_id),
        },
    )


def _check(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission, and two people."""


def _execute(session: Session, approved: ApprovedRequest) -> None:
    shipment, owner, settlement = _lock(session, approved.payload)
    if settlement is Settlement.REPLACE:
        _replace(session, approved.checker, shipment)
        return
    are_here, now = shipment.status is _S.RETURNED, clock.now()
    if are_here:
        put_on_shelf(session, approved.checker, shipment, evidence=settlement.label)
    else:
        _end(session, approved.checker, shipment, settlement)
        _write_off(session, shipment, now)
    undelivered = Undelivered(
        shipment.public_id,
        shipment.subject_id,
        shipment.location_id,
        [line.shipped for line in queries.list_lines(session, shipment.id)],
        are_here,
    )
    owner.give_back(session, approved.checker, undelivered, reason=approved.reason)


def _end(session: Session, actor: Actor, shipment: ShipmentRow, settlement: Settlement) -> None:
    service.change_status(session, actor, shipment, _S.CANCELLED, evidence=settlement.label)


def _write_off(session: Session, shipment: ShipmentRow, at: datetime) -> None:
    """Take lost goods out of the books of goods: the customer owns them no longer."""
    reference = f"{shipment.public_id}:lost"
    postings = [
        posting
        for goods in service.list_goods(session, shipment)
        for posting in stock.lose(session, goods, shipment.user_id, reference=reference, at=at)
    ]
    cause = MovementCause.GOODS_LOST
    stock.post(session, cause=cause, reference=reference, posted_at=at, postings=postings)


def _replace(session: Session, actor: Actor, shipment: ShipmentRow) -> None:
    """Take other units from the shelf in place of lost ones, at our cost, and request their
    shipment. Raises `InsufficientStock` and `PriceStale`."""
    now, reference = clock.now(), f"{shipment.public_id}:replaced"
    _end(session, actor, shipment, Settlement.REPLACE)
    taken = lots.take_from_lots(
        session,
        service.list_goods(session, shipment),
        AccountClass.STOCK_AVAILABLE,
        reference=reference,
        at=now,
    )
    mids = pricing_queries.mids_at(session, [now])[now]
    postings: list[NewPosting] = []
    for part in taken:
        mid = mids.get(part.goods.product.metal)
        if mid is None:
            raise PriceStale
        postings += _post_replacement(part, metal_value(part.ounces, mid))
    cause = MovementCause.GOODS_LOST
    stock.post(session, cause=cause, reference=reference, posted_at=now, postings=postings)
    requesting.request_again(session, shipment)


def _post_replacement(part: TakenGoods, metal: Amount) -> list[NewPosting]:
    """Return the postings of units from the shelf that the customer owns in place of lost ones:
    their metal, at the price of now, and their premium are a loss of the branch."""
    goods = part.goods
    asset, location_id = goods.product.asset, goods.location.id
    return [
        *stock.take_off_shelf(part, AccountClass.STOCK_AVAILABLE),
        ledger.debit(chart.shrinkage(USD, goods.location.branch_id), part.premium + metal),
        ledger.credit(chart.position(USD), metal),
        ledger.debit(chart.stock(asset, AccountClass.STOCK_ALLOCATED, location_id), goods.amount),
        ledger.credit(chart.stock(asset, AccountClass.STOCK_SHIPPED, location_id), goods.amount),
    ]


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return when the shipment was requested, and what for."""
    if Permission.SHIPMENTS_READ not in actor.permissions:
        return {}
    shipment = queries.get_shipment(session, ids.decode(PREFIX, subject))
    return {"Requested": format_time(shipment.requested_at), "For": shipment.subject.words}


approvals_registry.register(
    ApprovalAction(
        SETTLE,
        "Settle an undelivered shipment",
        Permission.SHIPMENTS_WORK,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"settle shipment {fields['number']}",
        {
            "status": label_of(ShipmentStatus),
            "settlement": label_of(Settlement),
            "worth": format_exact_amount,
        },
        follows="Lost goods are replaced, or what undelivered goods cost is given back at once.",
    )
)
