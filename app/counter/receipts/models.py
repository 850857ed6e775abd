"""Tables of receipts."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class CashReceipt(Base):
    """The receipt of one act at a counter, whose movements have its reference."""

    __tablename__ = "cash_receipts"
    __table_args__ = (
        sa.UniqueConstraint("branch_id", "number"),
        sa.UniqueConstraint("reference"),
        sa.CheckConstraint("issues > 0", name="receipt_was_issued"),
        sa.Index("cash_receipts_user_id_idx", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    branch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("branches.id"))
    number: Mapped[int]
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    reference: Mapped[str] = mapped_column(sa.Text)
    written_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: How many times it was printed or sent.
    issues: Mapped[int] = mapped_column(server_default=sa.text("1"))
