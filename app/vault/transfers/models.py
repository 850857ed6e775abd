"""Tables of transfers of goods."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.vault.transfers.rules import StockTransferStatus


class StockTransfer(Base):
    """Goods that one location sends to another one. Its row is locked by those who change it."""

    __tablename__ = "stock_transfers"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('in_transit', 'received', 'short', 'written_off', 'cancelled')",
            name="stock_transfer_status_known",
        ),
        sa.CheckConstraint("origin_id <> destination_id", name="goods_go_to_another_location"),
        sa.Index("stock_transfers_status_idx", "status", "id"),
        sa.Index("stock_transfers_origin_idx", "origin_id", "id"),
        sa.Index("stock_transfers_destination_idx", "destination_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    origin_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    destination_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    status: Mapped[StockTransferStatus] = mapped_column(StoredEnum(StockTransferStatus))
    sent_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    sent_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class StockTransferLine(Base):
    """Units of one product in a transfer. Those that were neither received nor written off are in
    transit, or came back with a transfer that was cancelled."""

    __tablename__ = "stock_transfer_lines"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="stock_transfer_line_has_units"),
        sa.CheckConstraint(
            "received_units >= 0 AND written_off_units >= 0"
            " AND received_units + written_off_units <= units",
            name="no_more_arrives_than_was_sent",
        ),
    )

    transfer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("stock_transfers.id"), primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"), primary_key=True)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    received_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    written_off_units: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))


class StockTransferReceipt(Base):
    """Units of one product that arrived, counted by the receiver. Never changes."""

    __tablename__ = "stock_transfer_receipts"
    __table_args__ = (sa.CheckConstraint("units > 0", name="stock_transfer_receipt_has_units"),)

    transfer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("stock_transfers.id"), primary_key=True)
    #: 1 for the first receipt of the transfer.
    number: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    sku: Mapped[str] = mapped_column(sa.ForeignKey("products.sku"), primary_key=True)
    units: Mapped[int] = mapped_column(sa.BigInteger)
    received_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    received_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
