"""Tables of price rules. Append-only, but for the end of a rule."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.products.rules import ProductForm
from app.catalog.rules import Metal
from app.kit.db import Base
from app.kit.statements import StoredEnum

_INSTANT = sa.DateTime(timezone=True)


class PriceRuleRow(Base):
    """A version of a rule: of one product, of a category with what is below it, or of a metal, in
    one form or in all."""

    __tablename__ = "price_rules"
    __table_args__ = (
        sa.CheckConstraint(
            "num_nonnulls(sku, category_id, metal) = 1", name="price_rule_has_one_scope"
        ),
        sa.CheckConstraint(
            "metal IN ('AU', 'AG', 'PT', 'PD', 'CU')", name="price_rule_metal_known"
        ),
        sa.CheckConstraint(
            "form IN ('coin', 'round', 'bar', 'sheet', 'coil')", name="price_rule_form_known"
        ),
        sa.CheckConstraint("form IS NULL OR metal IS NOT NULL", name="price_rule_form_of_a_metal"),
        sa.CheckConstraint("valid_until > valid_from", name="price_rule_ends_after_it_begins"),
        sa.CheckConstraint("valid_from >= recorded_at", name="price_rule_is_not_backdated"),
        sa.CheckConstraint("ended_at >= recorded_at", name="price_rule_end_is_not_backdated"),
        sa.Index("price_rules_sku_idx", "sku", postgresql_where=sa.text("sku IS NOT NULL")),
        sa.Index(
            "price_rules_category_id_idx",
            "category_id",
            postgresql_where=sa.text("category_id IS NOT NULL"),
        ),
        sa.Index("price_rules_metal_idx", "metal", postgresql_where=sa.text("metal IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sku: Mapped[str | None] = mapped_column(sa.Text, sa.ForeignKey("products.sku"))
    category_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("product_categories.id"))
    metal: Mapped[Metal | None] = mapped_column(StoredEnum(Metal))
    form: Mapped[ProductForm | None] = mapped_column(StoredEnum(ProductForm))
    valid_from: Mapped[datetime] = mapped_column(_INSTANT)
    #: From when on it no longer counts, as it was recorded; null until another one replaces it.
    valid_until: Mapped[datetime | None] = mapped_column(_INSTANT)
    #: From when on it no longer counts because staff ended or replaced it.
    ended_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    #: Null for a rule of the command line.
    maker_id: Mapped[UUID | None]
    #: The request by which a second person approved it, where one was needed.
    approval_id: Mapped[UUID | None]
    recorded_at: Mapped[datetime] = mapped_column(_INSTANT)


class PriceTierRow(Base):
    """The premium of a rule from a quantity on."""

    __tablename__ = "price_rule_tiers"
    __table_args__ = (
        sa.CheckConstraint("from_quantity BETWEEN 1 AND 10000", name="tier_quantity_in_range"),
        sa.CheckConstraint("percent BETWEEN 0 AND 1000", name="tier_percent_in_range"),
        sa.CheckConstraint("per_ounce BETWEEN 0 AND 10000", name="tier_per_ounce_in_range"),
        sa.CheckConstraint("per_unit_units BETWEEN 0 AND 100000000", name="tier_per_unit_in_range"),
    )

    rule_id: Mapped[UUID] = mapped_column(sa.ForeignKey("price_rules.id"), primary_key=True)
    from_quantity: Mapped[int] = mapped_column(primary_key=True)
    #: Of the metal's value.
    percent: Mapped[Decimal] = mapped_column(sa.Numeric(8, 4))
    #: US dollars per troy ounce by which the product is accounted.
    per_ounce: Mapped[Decimal] = mapped_column(sa.Numeric(10, 4))
    #: Cents.
    per_unit_units: Mapped[int] = mapped_column(sa.BigInteger)
