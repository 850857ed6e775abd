"""The verbs of transfers of goods: send, receive, close with a shortage, cancel, write off."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals.rules import clean_reason
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.cases import service as cases
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductSummary
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.ledger.chart import AccountClass
from app.vault.bars import queries as bars_queries
from app.vault.bars.rules import BarState
from app.vault.locations import queries as locations_queries
from app.vault.locations.queries import LocationSummary
from app.vault.lots import service as lots
from app.vault.lots.service import Goods
from app.vault.stock import service as stock
from app.vault.transfers import queries
from app.vault.transfers.errors import OtherLegalEntity, StockTransferBegun, StockTransferEnded
from app.vault.transfers.models import StockTransfer, StockTransferLine, StockTransferReceipt
from app.vault.transfers.queries import PREFIX, StockTransferRow
from app.vault.transfers.rules import (
    TRANSITIONS,
    LineUnits,
    StockTransferStatus,
    count_units,
)

#: The kind of the case of a shortage; its key is the public id of the transfer.
SHORTAGE = "stock.shortage"
_AVAILABLE, _IN_TRANSIT = AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_IN_TRANSIT
#: In these statuses units can be received.
RECEIVABLE = {StockTransferStatus.IN_TRANSIT, StockTransferStatus.SHORT}


def send_goods(
    session: Session,
    actor: Actor,
    *,
    origin: str,
    destination: str,
    units_by_sku: Mapping[str, LineUnits],
) -> UUID:
    """Send available units from one location to another, both by code: they are in transit at the
    first one until they are received. Return the transfer's id.

    Raises `PermissionDenied`, `Invalid` naming the field, also for a bar that is not there or is
    reserved, `OtherLegalEntity`, and `InsufficientStock`: units that are reserved cannot be sent.
    """
    require(actor, Permission.VAULT_TRANSFER)
    sender = _find_location(session, "origin", origin)
    receiver = _find_location(session, "destination", destination)
    if sender.id == receiver.id:
        raise Invalid("destination", "Choose another location than the one that sends.")
    if sender.entity_id != receiver.entity_id:
        raise OtherLegalEntity
    goods = [
        _find_goods(session, sender, sku, units, BarState.AVAILABLE)
        for sku, units in units_by_sku.items()
    ]
    now = clock.now()
    transfer_id = _insert_transfer(session, actor, goods, receiver, now)
    public_id = ids.encode(PREFIX, transfer_id)
    stock.post(
        session,
        cause="stock_sent",
        reference=public_id,
        posted_at=now,
        postings=[
            posting
            for each in goods
            for posting in stock.change_state(
                session, each, _AVAILABLE, _IN_TRANSIT, reference=public_id, at=now
            )
        ],
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.STOCK_SENT,
        subject=public_id,
        after={"from": sender.code, "to": receiver.code, **_texts(units_by_sku)},
    )
    return transfer_id


def receive(
    session: Session, actor: Actor, transfer_id: UUID, units_by_sku: Mapping[str, LineUnits]
) -> None:
    """Put units that arrived on the shelf of the location that they were sent to, with their lots
    and what they cost. A transfer that was closed with a shortage receives what was found.

    Raises `PermissionDenied`, `NotFound`, `StockTransferEnded`, and `Invalid` naming `lines` for
    more than is to be received, and for a bar that is not.
    """
    require(actor, Permission.VAULT_TRANSFER)
    transfer = _lock(session, transfer_id, RECEIVABLE)
    lines = {line.sku: line for line in queries.list_lines(session, transfer.id)}
    for sku, units in units_by_sku.items():
        line = lines.get(sku)
        if line is None or count_units(units) > line.missing:
            missing = line.missing if line else 0
            raise Invalid("lines", f"At most {missing} units of {sku} are still to be received.")
    sender = _origin(session, transfer)
    receiver = locations_queries.get_location(session, transfer.destination_id)
    goods = [
        _find_goods(session, sender, sku, units, BarState.IN_TRANSIT, came_with=transfer.public_id)
        for sku, units in units_by_sku.items()
    ]
    now = clock.now()
    reference = _record_receipt(session, actor, transfer, goods, now)
    moved = lots.move_lots(session, goods, receiver, reference=reference, at=now)
    stock.post(
        session,
        cause="stock_received",
        reference=reference,
        posted_at=now,
        postings=[
            posting for taken in moved for posting in stock.arrive(taken, _IN_TRANSIT, receiver)
        ],
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.STOCK_RECEIVED,
        subject=transfer.public_id,
        after={"from": sender.code, "to": receiver.code, **_texts(units_by_sku)},
    )
    _settle(session, transfer.id)


def close_short(session: Session, actor: Actor, transfer_id: UUID, *, reason: str) -> None:
    """Close a transfer of which units are missing, and open a case about them. They stay in transit
    until they are found or written off.

    Raises `PermissionDenied`, `NotFound`, `StockTransferEnded`, and `Invalid` for the reason.
    """
    require(actor, Permission.VAULT_TRANSFER)
    reason = clean_reason(reason)
    transfer = _lock(session, transfer_id, {StockTransferStatus.IN_TRANSIT})
    _change_status(session, transfer, StockTransferStatus.SHORT)
    missing = {
        line.sku: line.missing for line in queries.list_lines(session, transfer.id) if line.missing
    }
    cases.open_once(
        session,
        kind=SHORTAGE,
        subject=transfer.public_id,
        key=transfer.public_id,
        title=f"{transfer.missing} units are missing from a transfer to"
        f" {transfer.destination_code}",
        facts={
            "From": transfer.origin_code,
            "To": transfer.destination_code,
            **_texts(missing),
            "Receiver": reason,
        },
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.STOCK_TRANSFER_CLOSED,
        subject=transfer.public_id,
        after={"missing": transfer.missing, **_texts(missing)},
        reason=reason,
    )


def cancel(session: Session, actor: Actor, transfer_id: UUID) -> None:
    """Cancel a transfer of which nothing was received: its units are for sale again where they came
    from. Raises `PermissionDenied`, `NotFound`, `StockTransferBegun`, and `StockTransferEnded`."""
    require(actor, Permission.VAULT_TRANSFER)
    transfer = _lock(session, transfer_id, {StockTransferStatus.IN_TRANSIT})
    if transfer.received:
        raise StockTransferBegun
    _change_status(session, transfer, StockTransferStatus.CANCELLED)
    sender, lines = _origin(session, transfer), queries.list_lines(session, transfer.id)
    bars = bars_queries.list_waiting_bars(session, transfer.public_id, BarState.IN_TRANSIT)
    goods = [
        Goods(
            _find_product(session, line.sku),
            sender,
            line.units,
            tuple(bar.lot_id for bar in bars if bar.sku == line.sku),
        )
        for line in lines
    ]
    now, reference = clock.now(), f"{transfer.public_id}:cancelled"
    stock.post(
        session,
        cause="stock_returned",
        reference=reference,
        posted_at=now,
        postings=[
            posting
            for each in goods
            for posting in stock.change_state(
                session, each, _IN_TRANSIT, _AVAILABLE, reference=reference, at=now
            )
        ],
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.STOCK_TRANSFER_CANCELLED,
        subject=transfer.public_id,
        before={"status": transfer.status},
        after={"status": StockTransferStatus.CANCELLED},
    )


def check_write_off(
    session: Session, transfer: StockTransferRow, location: LocationSummary, sku: str, units: int
) -> None:
    """Raise `Invalid` naming the field unless so many units of a product are missing from this
    transfer, which a location sent and its receiver closed."""
    if transfer.status is not StockTransferStatus.SHORT:
        raise Invalid("transfer", "Nothing is missing from this transfer: it is not closed short.")
    if transfer.origin_id != location.id:
        raise Invalid(
            "location", f"Units of this transfer are in transit at {transfer.origin_code}."
        )
    lines = queries.list_lines(session, transfer.id)
    missing = sum(line.missing for line in lines if line.sku == sku)
    if units > missing:
        raise Invalid("units", f"At most {missing} units of {sku} are missing from this transfer.")


def write_off(session: Session, transfer: StockTransferRow, sku: str, units: int) -> None:
    """Write off units of a transfer that are missing, as `check_write_off` allows it; its row is
    locked. The caller takes them off the books."""
    session.write(
        sa.update(StockTransferLine)
        .where(StockTransferLine.transfer_id == transfer.id, StockTransferLine.sku == sku)
        .values(written_off_units=StockTransferLine.written_off_units + units)
    )
    _settle(session, transfer.id)


def _insert_transfer(
    session: Session,
    actor: Actor,
    goods: Sequence[Goods],
    receiver: LocationSummary,
    now: datetime,
) -> UUID:
    transfer_id, [sender, *_] = ids.new(), [each.location for each in goods]
    session.write(
        sa.insert(StockTransfer).values(
            id=transfer_id,
            origin_id=sender.id,
            destination_id=receiver.id,
            status=StockTransferStatus.IN_TRANSIT,
            sent_by=actor.user_id,
            sent_at=now,
        )
    )
    for each in goods:
        session.write(
            sa.insert(StockTransferLine).values(
                transfer_id=transfer_id, sku=each.product.sku, units=each.units
            )
        )
    return transfer_id


def _record_receipt(
    session: Session,
    actor: Actor,
    transfer: StockTransferRow,
    goods: Sequence[Goods],
    now: datetime,
) -> str:
    """Record what arrived; return the reference of its entry."""
    receipts = queries.list_receipts(session, transfer.id)
    number = max((receipt.number for receipt in receipts), default=0) + 1
    for each in goods:
        sku, units = each.product.sku, each.units
        session.write(
            sa.insert(StockTransferReceipt).values(
                transfer_id=transfer.id,
                number=number,
                sku=sku,
                units=units,
                received_by=actor.user_id,
                received_at=now,
            )
        )
        session.write(
            sa.update(StockTransferLine)
            .where(StockTransferLine.transfer_id == transfer.id, StockTransferLine.sku == sku)
            .values(received_units=StockTransferLine.received_units + units)
        )
    return f"{transfer.public_id}:received:{number}"


def _settle(session: Session, transfer_id: UUID) -> None:
    """End the transfer, and the case of its shortage, if nothing of it is missing any more."""
    transfer = queries.get_transfer(session, transfer_id)
    if transfer.missing:
        return
    is_complete = transfer.received == transfer.units
    _change_status(
        session,
        transfer,
        StockTransferStatus.RECEIVED if is_complete else StockTransferStatus.WRITTEN_OFF,
    )
    case_id = cases.lock_open_case(session, kind=SHORTAGE, key=transfer.public_id)
    if case_id is not None:
        reason = "All units were found." if is_complete else "What is missing was written off."
        cases.close(session, None, case_id, disposition="resolved", reason=reason)


def _lock(
    session: Session, transfer_id: UUID, statuses: set[StockTransferStatus]
) -> StockTransferRow:
    transfer = queries.lock_transfer(session, transfer_id)
    if transfer.status not in statuses:
        raise StockTransferEnded
    return transfer


def _change_status(
    session: Session, transfer: StockTransferRow, status: StockTransferStatus
) -> None:
    session.write(
        sa.update(StockTransfer)
        .where(StockTransfer.id == transfer.id)
        .values(status=TRANSITIONS.transition(transfer.status, status))
    )


def _origin(session: Session, transfer: StockTransferRow) -> LocationSummary:
    return locations_queries.get_location(session, transfer.origin_id)


def _find_location(session: Session, field: str, code: str) -> LocationSummary:
    location = locations_queries.find_location(session, code)
    if location is None:
        raise Invalid(field, "There is no location with this code. Check it.")
    return location


def _find_goods(
    session: Session,
    sender: LocationSummary,
    sku: str,
    units: LineUnits,
    state: BarState,
    *,
    came_with: str | None = None,
) -> Goods:
    goods = Goods(_find_product(session, sku), sender, count_units(units))
    named = () if isinstance(units, int) else units
    return lots.name_bars(session, goods, named, state, field="lines", came_with=came_with)


def _find_product(session: Session, sku: str) -> ProductSummary:
    product = products_queries.find_product(session, sku)
    if product is None:
        raise Invalid("lines", f"There is no product with the SKU {sku}. Check it.")
    return product


def _texts(units_by_sku: Mapping[str, LineUnits]) -> dict[str, str]:
    """Return units by SKU in words: a number, or serials."""
    return {
        sku: str(units) if isinstance(units, int) else ", ".join(map(str, units))
        for sku, units in sorted(units_by_sku.items())
    }
