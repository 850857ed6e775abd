"""Table of throttle."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class ThrottleCount(Base):
    """The hits of one key in one window. The key includes the window."""

    __tablename__ = "throttle_counts"
    __table_args__ = (
        sa.Index("throttle_counts_expires_at_idx", "expires_at"),
        {"prefixes": ["UNLOGGED"]},
    )

    key: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    hits: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
