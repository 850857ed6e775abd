"""The verbs of adjustments: request one, which a second person approves and books."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

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
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.rules import USD
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.formatting import format_count
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.service import NewPosting
from app.pricing import queries as pricing_queries
from app.pricing.errors import PriceStale
from app.vault.adjustments import rules
from app.vault.adjustments.models import StockAdjustment
from app.vault.adjustments.queries import PREFIX
from app.vault.adjustments.rules import AdjustmentKind
from app.vault.bars import service as bars
from app.vault.bars.rules import BarState, parse_named_bars
from app.vault.locations import queries as locations_queries
from app.vault.lots import service as lots
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.models import Lot
from app.vault.lots.rules import LotPart, metal_value
from app.vault.lots.service import Goods
from app.vault.rules import parse_units
from app.vault.stock import service as stock
from app.vault.stock.rules import StockState
from app.vault.transfers import queries as stock_transfers_queries
from app.vault.transfers import service as stock_transfers
from app.vault.transfers.queries import StockTransferRow

ADJUST = "stock.adjust"


@dataclass(frozen=True, slots=True)
class NewAdjustment:
    """An adjustment as staff enter it. `transfer` is the public id of the transfer for units in
    transit, and empty for others."""

    sku: str
    location: str
    state: str
    kind: str
    units: str
    transfer: str = ""
    #: Of bars with serials, as `bars.rules.parse_named_bars` reads them.
    serials: str = ""


@dataclass(frozen=True, slots=True)
class _Adjustment:
    """An adjustment as it would be booked."""

    goods: Goods
    state: StockState
    kind: AdjustmentKind
    transfer: StockTransferRow | None

    @property
    def account(self) -> chart.AccountKey:
        return chart.stock(
            self.goods.product.asset, self.state.account_class, self.goods.location.id
        )


@dataclass(frozen=True, slots=True)
class _Booking:
    """The postings of an adjustment, and what its metal, at the price `mid`, and its premium were
    worth."""

    id: UUID
    mid: Decimal
    postings: list[NewPosting]
    metal: Amount
    premium: Amount

    @property
    def public_id(self) -> str:
        return ids.encode(PREFIX, self.id)


def request_adjustment(
    session: Session, actor: Actor, wanted: NewAdjustment, *, reason: str
) -> UUID:
    """Request an adjustment, which a second person approves; return the request's id.

    Raises `PermissionDenied`, `Invalid` naming the field, `InsufficientStock`, and
    `ApprovalPending` while another one of the same product is requested for the same place.
    """
    payload = asdict(wanted) | {"sku": wanted.sku.upper(), "location": wanted.location.upper()}
    subject = ":".join((payload["location"], payload["sku"], payload["state"]))
    return approvals.request_approval(
        session, actor, ADJUST, payload, subject=subject, reason=reason
    )


def _read(session: Session, payload: TextFields) -> _Adjustment:
    """Return the adjustment, the row of its transfer locked."""
    product = products_queries.find_product(session, payload["sku"])
    if product is None:
        raise Invalid("sku", "There is no product with this SKU. Check it.")
    location = locations_queries.find_location(session, payload["location"])
    if location is None:
        raise Invalid("location", "There is no location with this code. Check it.")
    kind, state = AdjustmentKind(payload["kind"]), StockState(payload["state"])
    rules.check_state(kind, state, has_transfer=bool(payload["transfer"]))
    units, transfer = parse_units("units", payload["units"]), None
    if payload["transfer"]:
        transfer = _find_transfer(session, payload["transfer"])
        stock_transfers.check_write_off(session, transfer, location, product.sku, units)
    # A request that was made before there were serials has none.
    named = parse_named_bars("serials", payload.get("serials", ""))
    is_find = kind is AdjustmentKind.FOUND
    goods = lots.name_bars(
        session,
        Goods(product, location, units),
        named,
        BarState.WRITTEN_OFF if is_find else BarState.of(state.account_class),
        field="serials",
        came_with=transfer.public_id if transfer else None,
    )
    return _Adjustment(goods, state, kind, transfer)


def _find_transfer(session: Session, public_id: str) -> StockTransferRow:
    try:
        identifier = ids.decode(stock_transfers_queries.PREFIX, public_id)
        return stock_transfers_queries.lock_transfer(session, identifier)
    except NotFound:
        raise Invalid("transfer", "There is no transfer with this ID. Check it.") from None


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    adjustment = _read(session, payload)
    is_loss = adjustment.kind is not AdjustmentKind.FOUND
    there = ledger_queries.account_balance(session, adjustment.account)
    if is_loss and there < adjustment.goods.units:
        raise InsufficientStock
    return ProposedChange({}, {name: text for name, text in payload.items() if text})


def _check_nothing(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission, and two people."""


def book_adjustment(session: Session, approved: ApprovedRequest) -> None:
    """Book an adjustment that two people agree on: the payload of the request is its fields.

    Raises `PriceStale`, and as `request_adjustment` does.
    """
    adjustment, now = _read(session, approved.payload), clock.now()
    mid = pricing_queries.mids_at(session, [now])[now].get(adjustment.goods.product.metal)
    if mid is None:
        raise PriceStale
    book = _book_find if adjustment.kind is AdjustmentKind.FOUND else _book_loss
    booking = book(session, adjustment, mid, now)
    stock.post(
        session,
        cause="stock_adjusted",
        reference=booking.public_id,
        posted_at=now,
        postings=booking.postings,
    )
    if adjustment.transfer is not None:
        stock_transfers.write_off(
            session, adjustment.transfer, adjustment.goods.product.sku, adjustment.goods.units
        )
    _record(session, approved, adjustment, booking, now)


def _book_loss(session: Session, adjustment: _Adjustment, mid: Decimal, now: datetime) -> _Booking:
    """Take the units out of their lots: metal at the price of now and premium are the cost."""
    adjustment_id = ids.new()
    reference = ids.encode(PREFIX, adjustment_id)
    [taken] = lots.take_from_lots(
        session, [adjustment.goods], adjustment.state.account_class, reference=reference, at=now
    )
    for choice in adjustment.goods.bars:
        bars.move(session, choice, BarState.WRITTEN_OFF, reference=reference, at=now)
    branch_id, metal = adjustment.goods.location.branch_id, metal_value(taken.ounces, mid)
    postings = stock.take_off_shelf(taken, adjustment.state.account_class)
    postings += [
        ledger.debit(chart.shrinkage(USD, branch_id), metal + taken.premium),
        ledger.credit(chart.position(USD), metal),
    ]
    return _Booking(adjustment_id, mid, postings, metal, taken.premium)


def _book_find(session: Session, adjustment: _Adjustment, mid: Decimal, now: datetime) -> _Booking:
    """Put the units into a lot of their own, and bars that were written off into theirs again, at
    the price of now and without a premium."""
    goods, adjustment_id = adjustment.goods, ids.new()
    reference, accounted = ids.encode(PREFIX, adjustment_id), goods.product.accounted
    bars.claim(session, goods.bars, BarState.WRITTEN_OFF)
    parts = (
        _list_parts(session, goods.lot_ids)
        if goods.product.is_serialized
        else [LotPart(ids.new(), goods.units, accounted.units * goods.units, 0)]
    )
    ounces = Amount(accounted.asset, sum(part.ounces_units for part in parts))
    metal = metal_value(ounces, mid)
    if not metal:
        raise Invalid("units", "At this price the metal is worth less than a cent.")
    for part in () if goods.product.is_serialized else parts:
        session.write(
            sa.insert(Lot).values(
                id=part.lot_id,
                sku=goods.product.sku,
                location_id=goods.location.id,
                units=goods.units,
                ounces_units=ounces.units,
                spot=mid,
                metal_usd=metal.units,
                premium_usd=0,
                supplier="Found",
                supplier_reference=reference,
                received_at=now,
            )
        )
    lots.put_into_lots(
        session, goods, parts, adjustment.state.account_class, reference=reference, at=now
    )
    postings = stock.put_on_shelf(goods, adjustment.state.account_class, ounces)
    postings += [
        ledger.debit(chart.position(USD), metal),
        ledger.credit(chart.shrinkage(USD, goods.location.branch_id), metal),
    ]
    return _Booking(adjustment_id, mid, postings, metal, Amount(USD, 0))


def _list_parts(session: Session, lot_ids: Sequence[UUID]) -> list[LotPart]:
    """Return whole lots, without their premium."""
    return session.select(
        LotPart,
        sa.select(
            Lot.id.label("lot_id"),
            Lot.units,
            Lot.ounces_units,
            sa.literal(0).label("premium_usd"),
        )
        .where(Lot.id.in_(lot_ids))
        .order_by(Lot.id),
    )


def _record(
    session: Session,
    approved: ApprovedRequest,
    adjustment: _Adjustment,
    booking: _Booking,
    now: datetime,
) -> None:
    goods, transfer = adjustment.goods, adjustment.transfer
    values = {
        "sku": goods.product.sku,
        "location_id": goods.location.id,
        "state": adjustment.state,
        "kind": adjustment.kind,
        "units": goods.units,
        "transfer_id": transfer.id if transfer else None,
        "spot": booking.mid,
        "metal_usd": booking.metal.units,
        "premium_usd": booking.premium.units,
        "approval_id": approved.id,
        "requested_by": approved.maker_id,
        "approved_by": approved.checker.user_id,
        "adjusted_at": now,
    }
    session.write(sa.insert(StockAdjustment).values(id=booking.id, **values))
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.STOCK_ADJUSTED,
        subject=booking.public_id,
        after={
            **approved.payload,
            "spot": str(booking.mid),
            "metal": str(booking.metal),
            "premium": str(booking.premium),
            "approval": ids.encode("apr", approved.id),
            "maker": ids.encode("usr", approved.maker_id),
        },
        reason=approved.reason,
    )


def _describe(session: Session, actor: Actor, subject: str) -> Mapping[str, str]:
    """Return how many units the books have in the state now."""
    if Permission.VAULT_READ not in actor.permissions:
        return {}
    code, sku, state = subject.split(":")
    product = products_queries.find_product(session, sku)
    location = locations_queries.find_location(session, code)
    if product is None or location is None:
        raise NotFound
    account = chart.stock(product.asset, StockState(state).account_class, location.id)
    units = ledger_queries.account_balance(session, account)
    return {"Units in this state now": format_count(units)}


approvals_registry.register(
    ApprovalAction(
        ADJUST,
        "Adjust stock",
        Permission.VAULT_ADJUST,
        _compare,
        _check_nothing,
        book_adjustment,
        _describe,
        lambda fields: (
            f"book {fields['units']} units of {fields['sku']} as {fields['kind'].lower()}"
        ),
        {"state": label_of(StockState), "kind": label_of(AdjustmentKind)},
        follows="Metal at the price of this moment and premium are booked as a cost of the branch,"
        " or as a gain where units were found.",
    )
)
