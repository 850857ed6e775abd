"""The table that the storefront searches."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base

_INSTANT = sa.DateTime(timezone=True)


class ProductListing(Base):
    """What a product is found, sorted and counted by: a copy of columns of the product, and what
    follows from its stock and its rules. Triggers of the database keep it in the transaction of
    each change; the application only reads it.
    """

    __tablename__ = "listings"
    __table_args__ = (
        sa.CheckConstraint("stocked_places >= 0", name="stocked_places_not_negative"),
        sa.Index("listings_search_idx", "search", postgresql_using="gin"),
        sa.Index("listings_category_id_idx", "category_id"),
        *(
            sa.Index(name, column, "sku", postgresql_where=sa.text("published_from IS NOT NULL"))
            for name, column in (
                ("listings_in_order_idx", "display_order"),
                ("listings_newest_idx", "published_from"),
                ("listings_by_weight_idx", "fine_units"),
                ("listings_popular_idx", "popularity"),
            )
        ),
    )

    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"), primary_key=True)
    metal: Mapped[str] = mapped_column(sa.Text)
    form: Mapped[str] = mapped_column(sa.Text)
    mint: Mapped[str | None] = mapped_column(sa.Text)
    category_id: Mapped[UUID | None]
    gross_units: Mapped[int] = mapped_column(sa.BigInteger)
    fine_units: Mapped[int] = mapped_column(sa.BigInteger)
    display_order: Mapped[int]
    popularity: Mapped[int]
    published_from: Mapped[date | None]
    published_until: Mapped[date | None]
    search: Mapped[str] = mapped_column(TSVECTOR)
    #: At how many places where goods wait for buyers units are free.
    stocked_places: Mapped[int] = mapped_column(server_default="0")
    #: Of the price rule that the product has itself, from one unit on: percent, US dollars per
    #: ounce, cents per unit. Null without such a rule.
    own_terms: Mapped[list[Decimal] | None] = mapped_column(sa.ARRAY(sa.Numeric))
    #: `own_terms` is what the rules say from here until `own_terms_until`; at another time, the
    #: rules have to be read.
    own_terms_from: Mapped[datetime] = mapped_column(_INSTANT, server_default="-infinity")
    own_terms_until: Mapped[datetime] = mapped_column(_INSTANT, server_default="infinity")
