"""Tables of price rules and of their changes. Rules are append-only, but for the end of one."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
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


class PriceChangeRow(Base):
    """A change of price rules by staff: prepared, then made by one person or by two."""

    __tablename__ = "price_changes"
    __table_args__ = (
        sa.CheckConstraint(
            "num_nonnulls(plan, asks, previewed_at, digest) IN (0, 4)",
            name="price_change_is_previewed_whole",
        ),
        sa.CheckConstraint(
            "plan IS NOT NULL OR num_nonnulls(approval_id, made_at) = 0",
            name="price_change_is_previewed_first",
        ),
        sa.Index("price_changes_created_at_idx", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    maker_id: Mapped[UUID]
    #: The versions that were chosen to be changed together.
    chosen: Mapped[list[UUID]] = mapped_column(sa.ARRAY(sa.Uuid))
    #: What it does, as `plans.write_plan` writes it; null until that is entered.
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    #: The prices of metals by which its effect was shown: US dollars per troy ounce, by metal.
    asks: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    #: Of the plan and its effects, which is what is confirmed and approved.
    digest: Mapped[str | None] = mapped_column(sa.Text)
    previewed_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    #: The request for a second person, where one was needed.
    approval_id: Mapped[UUID | None]
    made_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    created_at: Mapped[datetime] = mapped_column(_INSTANT)


class PriceEffectRow(Base):
    """What a change does to the price of a product, from a quantity on."""

    __tablename__ = "price_effects"
    __table_args__ = (
        sa.UniqueConstraint(
            "change_id", "sku", "from_quantity", name="price_effects_change_id_sku_key"
        ),
        sa.Index("price_effects_sku_idx", "sku"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    change_id: Mapped[UUID] = mapped_column(sa.ForeignKey("price_changes.id", ondelete="CASCADE"))
    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"))
    from_quantity: Mapped[int]
    #: Cents; null for a product without a price.
    before_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    after_units: Mapped[int | None] = mapped_column(sa.BigInteger)
    #: By how much the price moves, in ten-thousandths of a percent, towards zero; null without a
    #: price before or after.
    moved: Mapped[int | None] = mapped_column(sa.BigInteger)
