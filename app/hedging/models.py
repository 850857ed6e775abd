"""Tables of hedging."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class ExposureRow(Base):
    """The recorded net exposure of one metal at one moment."""

    __tablename__ = "exposures"
    __table_args__ = (
        sa.CheckConstraint("metal IN ('AU', 'AG', 'PT', 'PD', 'CU')", name="exposure_metal_known"),
    )

    taken_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), primary_key=True)
    metal: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    #: 10^-8 troy ounces; negative is short.
    net_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: The same in cents at the mid of that moment; null without a price.
    net_usd: Mapped[int | None] = mapped_column(sa.BigInteger)
