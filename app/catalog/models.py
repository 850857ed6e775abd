"""Tables of the catalogue."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class AssetRow(Base):
    """An asset that accounts can be opened in. Its scale never changes (a trigger refuses)."""

    __tablename__ = "assets"
    __table_args__ = (sa.CheckConstraint("scale BETWEEN 0 AND 18", name="scale_in_range"),)

    #: As in the API: USD, XAU-s.
    code: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    #: Decimals of one whole: 2 for USD, 8 for a troy ounce.
    scale: Mapped[int] = mapped_column(sa.SmallInteger)
    name: Mapped[str] = mapped_column(sa.Text)
