"""Tables of funding."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class TransferRow(Base):
    """A move between a customer's own accounts, one to one by weight."""

    __tablename__ = "transfers"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="transfer_moves_something"),
        sa.CheckConstraint("from_asset <> to_asset", name="transfer_sides_differ"),
        sa.Index("transfers_user_id_transferred_at_idx", "user_id", "transferred_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    from_asset: Mapped[str] = mapped_column(sa.Text)
    to_asset: Mapped[str] = mapped_column(sa.Text)
    #: Minor units of either asset: both have eight decimals of a troy ounce.
    units: Mapped[int] = mapped_column(sa.BigInteger)
    transferred_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
