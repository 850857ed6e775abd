"""Named reads of transfers of goods."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.catalog.products.models import Product
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.vault.locations.models import Location
from app.vault.transfers.models import StockTransfer, StockTransferLine, StockTransferReceipt
from app.vault.transfers.rules import StockTransferStatus

#: Prefix of the public id of a transfer of goods.
PREFIX = "stf"


@dataclass(frozen=True, slots=True)
class StockTransferRow:
    """A transfer of goods between two locations. `missing` units are neither received nor written
    off."""

    id: UUID
    origin_id: UUID
    origin_code: str
    destination_id: UUID
    destination_code: str
    status: StockTransferStatus
    units: int
    received: int
    missing: int
    sent_by: UUID
    sent_at: datetime

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)


@dataclass(frozen=True, slots=True)
class StockTransferLineRow:
    """Units of one product in a transfer."""

    sku: str
    product_name: str
    units: int
    received_units: int
    written_off_units: int

    @property
    def missing(self) -> int:
        """The units that are neither received nor written off."""
        return self.units - self.received_units - self.written_off_units


@dataclass(frozen=True, slots=True)
class StockTransferReceiptRow:
    """Units of one product that arrived."""

    number: int
    sku: str
    units: int
    received_by: UUID
    received_at: datetime


_ORIGIN, _DESTINATION = aliased(Location), aliased(Location)


def _sum(column: sa.ColumnElement[int] | InstrumentedAttribute[int]) -> sa.ScalarSelect[int]:
    total = sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)
    return (
        sa.select(total)
        .where(StockTransferLine.transfer_id == StockTransfer.id)
        .correlate(StockTransfer)
        .scalar_subquery()
    )


_MISSING = (
    StockTransferLine.units - StockTransferLine.received_units - StockTransferLine.written_off_units
)
_TRANSFERS = (
    sa.select(
        StockTransfer.id,
        StockTransfer.origin_id,
        _ORIGIN.code.label("origin_code"),
        StockTransfer.destination_id,
        _DESTINATION.code.label("destination_code"),
        StockTransfer.status,
        _sum(StockTransferLine.units).label("units"),
        _sum(StockTransferLine.received_units).label("received"),
        _sum(_MISSING).label("missing"),
        StockTransfer.sent_by,
        StockTransfer.sent_at,
    )
    .join(_ORIGIN, _ORIGIN.id == StockTransfer.origin_id)
    .join(_DESTINATION, _DESTINATION.id == StockTransfer.destination_id)
)


def _of_code(text: str) -> sa.ScalarSelect[UUID]:
    return sa.select(Location.id).where(Location.code == text.upper()).scalar_subquery()


TRANSFERS = ListSource(
    StockTransferRow,
    _TRANSFERS,
    key=StockTransfer.id,
    sorts={"sent": StockTransfer.id},
    filters={
        "status": lambda status: StockTransfer.status == status,
        "from": lambda text: StockTransfer.origin_id == _of_code(text),
        "to": lambda text: StockTransfer.destination_id == _of_code(text),
    },
)


def get_transfer(session: Session, transfer_id: UUID) -> StockTransferRow:
    """Return a transfer. Raises `NotFound`."""
    return session.get(StockTransferRow, _TRANSFERS.where(StockTransfer.id == transfer_id))


def lock_transfer(session: Session, transfer_id: UUID) -> StockTransferRow:
    """Return a transfer, its row locked. Raises `NotFound`."""
    # The sums are read once the lock is held: they are of the last one who held it.
    session.select(
        lambda **_key: None,
        sa.select(StockTransfer.id).where(StockTransfer.id == transfer_id).with_for_update(),
    )
    return get_transfer(session, transfer_id)


def list_lines(session: Session, transfer_id: UUID) -> list[StockTransferLineRow]:
    """Return the lines of a transfer in order of SKU."""
    return session.select(
        StockTransferLineRow,
        sa.select(
            StockTransferLine.sku,
            Product.name.label("product_name"),
            StockTransferLine.units,
            StockTransferLine.received_units,
            StockTransferLine.written_off_units,
        )
        .join(Product, Product.sku == StockTransferLine.sku)
        .where(StockTransferLine.transfer_id == transfer_id)
        .order_by(StockTransferLine.sku),
    )


def list_receipts(session: Session, transfer_id: UUID) -> list[StockTransferReceiptRow]:
    """Return what was received of a transfer, in order."""
    return session.select(
        StockTransferReceiptRow,
        sa.select(
            StockTransferReceipt.number,
            StockTransferReceipt.sku,
            StockTransferReceipt.units,
            StockTransferReceipt.received_by,
            StockTransferReceipt.received_at,
        )
        .where(StockTransferReceipt.transfer_id == transfer_id)
        .order_by(StockTransferReceipt.number, StockTransferReceipt.sku),
    )
