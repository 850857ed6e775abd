"""Named reads of products."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from app.catalog.categories import queries as categories_queries
from app.catalog.categories.models import CategoryRow
from app.catalog.products import details
from app.catalog.products.models import Product
from app.catalog.products.rules import (
    GROSS_METALS,
    ProductForm,
    WeightBasis,
    accounted_units,
)
from app.catalog.rules import SYNTHETIC, Metal
from app.catalog.tax_classes import TaxClass
from app.kit.db import Session
from app.kit.list_query import ListColumn, ListSource
from app.kit.money import Amount, Asset
from app.kit.statements import AnySelect, any_of, compile_select


@dataclass(frozen=True, slots=True)
class ProductSummary:
    """A coin or bar. Weights are in 10^-8 troy ounces."""

    sku: str
    name: str
    metal: Metal
    form: ProductForm
    gross_units: int
    fineness: Decimal
    fine_units: int
    is_serialized: bool
    reorder_below: int
    published_from: date | None
    published_until: date | None
    added_at: datetime

    @property
    def asset(self) -> Asset:
        """The units of the product, as an asset of the ledger."""
        return Asset(self.sku, 0)

    @property
    def fine_weight(self) -> Amount:
        """The fine weight of one unit."""
        return Amount(SYNTHETIC[self.metal], self.fine_units)

    @property
    def accounted(self) -> Amount:
        """The ounces by which one unit is accounted."""
        units = accounted_units(self.metal, self.gross_units, self.fine_units)
        return Amount(SYNTHETIC[self.metal], units)

    @property
    def gross_weight(self) -> Amount:
        """The gross weight of one unit."""
        return Amount(SYNTHETIC[self.metal], self.gross_units)


@dataclass(frozen=True, slots=True)
class ProductDetails(ProductSummary):
    """Everything that is known of a product."""

    weight_basis: WeightBasis
    slug: str
    category: str | None
    tax_class: TaxClass
    short_text: str
    long_text: str
    variant_group: str | None
    mint: str | None
    year: int | None
    face_value: Decimal | None
    face_currency: str | None
    is_legal_tender: bool
    gtin: str | None
    width_mm: Decimal | None
    height_mm: Decimal | None
    thickness_mm: Decimal | None
    age_min: int | None
    restricted_states: Sequence[str]
    display_order: int

    @property
    def texts(self) -> Mapping[str, str]:
        """What can change about it, as texts by name."""
        return {name: details.write(getattr(self, name)) for name in details.NAMES}


_SUMMARY = (
    Product.sku,
    Product.name,
    Product.metal,
    Product.form,
    Product.gross_units,
    Product.fineness,
    Product.fine_units,
    Product.is_serialized,
    Product.reorder_below,
    Product.published_from,
    Product.published_until,
    Product.added_at,
)
#: The ounces by which one unit is accounted, as `accounted_units` has them.
ACCOUNTED_UNITS = sa.case(
    (sa.or_(*(Product.metal == metal for metal in sorted(GROSS_METALS))), Product.gross_units),
    else_=Product.fine_units,
)
_SELECT = sa.select(*_SUMMARY)
_DETAILS = sa.select(
    *_SUMMARY,
    Product.weight_basis,
    Product.slug,
    CategoryRow.slug.label("category"),
    Product.tax_class,
    Product.short_text,
    Product.long_text,
    Product.variant_group,
    Product.mint,
    Product.year,
    Product.face_value,
    Product.face_currency,
    Product.is_legal_tender,
    Product.gtin,
    Product.width_mm,
    Product.height_mm,
    Product.thickness_mm,
    Product.age_min,
    Product.restricted_states,
    Product.display_order,
).join_from(Product, CategoryRow, CategoryRow.id == Product.category_id, isouter=True)
PRODUCTS = ListSource(
    ProductSummary,
    _SELECT,
    key=Product.sku,
    sorts={"sku": Product.sku, "added": Product.added_at},
    filters={
        "sku": lambda text: Product.sku.startswith(text.upper(), autoescape=True),
        "metal": lambda metal: Product.metal == metal,
        "form": lambda form: Product.form == form,
        "category": lambda slug: categories_queries.is_in(Product.category_id, slug),
    },
)


def is_published(
    day: date | sa.ColumnElement[date],
    first: ListColumn = Product.published_from,
    last: ListColumn = Product.published_until,
) -> sa.ColumnElement[bool]:
    """Return the condition that customers see the product on this day."""
    return sa.and_(first <= day, sa.func.coalesce(last, sa.func.date("infinity")) >= day)


def find_product(session: Session, sku: str) -> ProductSummary | None:
    """Return the product with this SKU, or None."""
    return session.find(ProductSummary, _SELECT.where(Product.sku == sku.upper()))


def find_published(session: Session, sku: str, day: date) -> ProductSummary | None:
    """Return the product with this SKU if customers see it on this day, or None."""
    return session.find(
        ProductSummary, _SELECT.where(Product.sku == sku.upper(), is_published(day))
    )


def list_published_of(
    session: Session, metal: Metal, form: ProductForm, day: date
) -> list[ProductSummary]:
    """Return the products of a metal in one form that customers see on this day, by SKU."""
    own = (Product.metal == metal, Product.form == form, is_published(day))
    return session.select(ProductSummary, _SELECT.where(*own).order_by(Product.sku))


def get_product(session: Session, sku: str) -> ProductDetails:
    """Return everything that is known of the product with this SKU. Raises `NotFound`."""
    return session.get(ProductDetails, _DETAILS.where(Product.sku == sku.upper()))


#: Everything that is known of the products with these `skus`, in order of SKU.
OF_SKUS = compile_select(
    _DETAILS.where(Product.sku == any_of("skus", sa.Text)).order_by(Product.sku)
)


def list_products(session: Session, skus: Collection[str]) -> list[ProductDetails]:
    """Return everything that is known of the products with these SKUs, in order of SKU; unknown
    SKUs are absent."""
    return session.select(ProductDetails, OF_SKUS, skus=list(skus))


def lock_product(session: Session, sku: str) -> ProductDetails:
    """Return the product as `get_product` does, and lock its row."""
    return session.get(ProductDetails, _locked(Product.sku == sku.upper()))


def lock_products(session: Session, skus: Sequence[str]) -> Mapping[str, ProductDetails]:
    """Return those of these products that there are, by SKU, and lock their rows."""
    locked = _locked(Product.sku.in_(skus)).order_by(Product.sku)
    return {product.sku: product for product in session.select(ProductDetails, locked)}


def list_details(session: Session) -> Sequence[ProductDetails]:
    """Return everything that is known of every product, by SKU."""
    return session.select(ProductDetails, _DETAILS.order_by(Product.sku))


def _locked(condition: sa.ColumnElement[bool]) -> AnySelect:
    # What refers to a product meanwhile, such as an order, does not wait.
    return _DETAILS.where(condition).with_for_update(of=Product, key_share=True)
