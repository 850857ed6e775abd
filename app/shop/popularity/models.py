"""The table of products that are bought together."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class BoughtTogether(Base):
    """A product that people buy together with another one, by how many do."""

    __tablename__ = "bought_together"

    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"), primary_key=True)
    #: 1 for the one that most people buy with it.
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    other_sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"))
