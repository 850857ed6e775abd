"""The table of alerts."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.vault.stock.rules import StockLevel

_LEVELS = "'enough', 'low', 'critical'"


class StockAlert(Base):
    """That fewer units of a product were available at a location than should be."""

    __tablename__ = "stock_alerts"
    __table_args__ = (
        sa.CheckConstraint(f"level IN ({_LEVELS})", name="stock_alert_level_known"),
        sa.CheckConstraint(f"notified IN ({_LEVELS})", name="stock_alert_notified_known"),
        sa.CheckConstraint(
            "(level = 'enough') = (closed_at IS NOT NULL)", name="stock_alert_ends_with_enough"
        ),
        sa.Index(
            "stock_alerts_one_open_key",
            "sku",
            "location_id",
            unique=True,
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"))
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    level: Mapped[StockLevel] = mapped_column(StoredEnum(StockLevel))
    #: The worst level of which staff were notified; enough: of none yet.
    notified: Mapped[StockLevel] = mapped_column(StoredEnum(StockLevel))
    opened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
