"""Tables of products."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.products.rules import ProductForm, WeightBasis
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit.db import Base
from app.kit.statements import StoredEnum

#: What the search compares: each word of these texts.
SEARCH = (
    "array_to_tsvector(catalog_words(name || ' ' || sku || ' ' || form || ' ' || coalesce(mint, '')"
    " || ' ' || coalesce(variant_group, '') || ' ' || coalesce(year::text, '') || ' ' || short_text"
    " || ' ' || metal || CASE metal WHEN 'AU' THEN ' gold' WHEN 'AG' THEN ' silver' WHEN 'PT' THEN"
    " ' platinum' WHEN 'PD' THEN ' palladium' ELSE ' copper' END))"
)


class Product(Base):
    """A coin, bar, round, sheet or coil. Weights are in 10^-8 troy ounces.

    The columns up to `is_serialized`, and when it was added, never change.
    """

    __tablename__ = "products"
    __table_args__ = (
        sa.CheckConstraint("metal IN ('AU', 'AG', 'PT', 'PD', 'CU')", name="product_metal_known"),
        sa.CheckConstraint(
            "form IN ('coin', 'round', 'bar', 'sheet', 'coil')", name="product_form_known"
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="product_name_has_a_length"),
        sa.CheckConstraint("fineness > 0 AND fineness < 1", name="fineness_is_a_share"),
        sa.CheckConstraint("fine_units > 0 AND fine_units <= gross_units", name="fine_is_a_part"),
        sa.CheckConstraint("reorder_below >= 0", name="reorder_point_not_negative"),
        sa.CheckConstraint(
            "weight_basis IN ('declared', 'measured')", name="product_weight_basis_known"
        ),
        sa.CheckConstraint("NOT is_serialized OR form = 'bar'", name="only_bars_have_serials"),
        sa.CheckConstraint(
            "tax_class IN ('bullion', 'legal_tender', 'numismatic', 'processed', 'copper',"
            " 'accessory')",
            name="product_tax_class_known",
        ),
        sa.CheckConstraint("slug ~ '^[a-z0-9-]{1,80}$'", name="slug_is_of_a_url"),
        sa.CheckConstraint("variant_group ~ '^[a-z0-9-]{1,80}$'", name="group_is_of_a_url"),
        sa.CheckConstraint("gtin ~ '^[0-9]{14}$'", name="gtin_has_14_digits"),
        sa.CheckConstraint("year BETWEEN 1 AND 2100", name="year_of_our_time"),
        sa.CheckConstraint(
            "(face_value IS NULL) = (face_currency IS NULL)", name="face_value_is_whole"
        ),
        sa.CheckConstraint("face_value > 0", name="face_value_positive"),
        sa.CheckConstraint(
            "least(width_mm, height_mm, thickness_mm) > 0", name="dimensions_positive"
        ),
        sa.CheckConstraint("age_min BETWEEN 1 AND 120", name="age_is_of_a_person"),
        sa.CheckConstraint("popularity >= 0", name="popularity_not_negative"),
        sa.CheckConstraint(
            "published_until IS NULL OR published_from <= published_until",
            name="published_for_a_time",
        ),
        sa.Index("products_variant_group_idx", "variant_group"),
        sa.Index("products_category_id_idx", "category_id"),
        sa.Index(
            "products_search_idx",
            "sku",
            sa.literal_column("lower(name)").label("words"),
            postgresql_using="gin",
            postgresql_ops={"sku": "gin_trgm_ops", "words": "gin_trgm_ops"},
        ),
    )

    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("assets.code"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text)
    metal: Mapped[Metal] = mapped_column(StoredEnum(Metal))
    form: Mapped[ProductForm] = mapped_column(StoredEnum(ProductForm))
    gross_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: The share of fine metal, up to .99999.
    fineness: Mapped[Decimal] = mapped_column(sa.Numeric(6, 5))
    #: As the mint declares it, for a coin; else gross weight by fineness.
    fine_units: Mapped[int] = mapped_column(sa.BigInteger)
    #: How the fine weight is known.
    weight_basis: Mapped[WeightBasis] = mapped_column(StoredEnum(WeightBasis))
    #: Whether each bar has a number and a weight of its own.
    is_serialized: Mapped[bool]
    #: Its name in the URL of its page.
    slug: Mapped[str] = mapped_column(sa.Text, unique=True)
    category_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("product_categories.id"))
    tax_class: Mapped[TaxClass] = mapped_column(StoredEnum(TaxClass))
    short_text: Mapped[str] = mapped_column(sa.Text)
    long_text: Mapped[str] = mapped_column(sa.Text)
    #: The products of a group are variants of each other: other weights, years or packings.
    variant_group: Mapped[str | None] = mapped_column(sa.Text)
    mint: Mapped[str | None] = mapped_column(sa.Text)
    year: Mapped[int | None] = mapped_column(sa.SmallInteger)
    face_value: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 2))
    #: By its ISO code of three letters.
    face_currency: Mapped[str | None] = mapped_column(sa.Text)
    is_legal_tender: Mapped[bool]
    gtin: Mapped[str | None] = mapped_column(sa.Text, unique=True)
    #: The width of a coin is its diameter.
    width_mm: Mapped[Decimal | None] = mapped_column(sa.Numeric(7, 2))
    height_mm: Mapped[Decimal | None] = mapped_column(sa.Numeric(7, 2))
    thickness_mm: Mapped[Decimal | None] = mapped_column(sa.Numeric(7, 2))
    #: Sold to people of this age and older.
    age_min: Mapped[int | None] = mapped_column(sa.SmallInteger)
    #: The states of the United States in which it is not sold.
    restricted_states: Mapped[list[str]] = mapped_column(sa.ARRAY(sa.Text))
    #: Products with a lower number come first.
    display_order: Mapped[int]
    #: The first and the last day, in UTC, on which customers see it. Without a first day they do
    #: not; without a last day they do from then on.
    published_from: Mapped[date | None]
    published_until: Mapped[date | None]
    #: How many people bought it lately, as it was counted last.
    popularity: Mapped[int] = mapped_column(server_default="0")
    #: The words by which the search finds it.
    search: Mapped[str] = mapped_column(TSVECTOR, sa.Computed(SEARCH, persisted=True))
    #: Stock below so many units is low.
    reorder_below: Mapped[int]
    added_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
