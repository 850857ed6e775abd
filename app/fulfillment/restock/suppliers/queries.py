"""Named reads of suppliers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.rules import USD
from app.fulfillment.restock.suppliers.models import Supplier, SupplierProduct
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount

#: The prefix of a supplier's public id.
PREFIX = "sup"


@dataclass(frozen=True, slots=True)
class SupplierRow:
    """A supplier with its terms."""

    id: UUID
    name: str
    email: str
    provider: str | None
    payment_days: int
    lead_days: int
    minimum_usd: int
    is_active: bool
    products: int
    added_at: datetime

    @property
    def public_id(self) -> PublicId:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def minimum(self) -> Amount:
        """The smallest order that it takes."""
        return Amount(USD, self.minimum_usd)


@dataclass(frozen=True, slots=True)
class SuppliedProduct:
    """A product with the code under which its supplier sells it."""

    sku: str
    name: str
    supplier_id: UUID
    code: str


_PRODUCTS_OF = (
    sa.select(sa.cast(sa.func.count(), sa.BigInteger))
    .select_from(SupplierProduct)
    .where(SupplierProduct.supplier_id == Supplier.id)
    .correlate(Supplier)
    .scalar_subquery()
)
_SUPPLIERS = sa.select(
    Supplier.id,
    Supplier.name,
    Supplier.email,
    Supplier.provider,
    Supplier.payment_days,
    Supplier.lead_days,
    Supplier.minimum_usd,
    Supplier.is_active,
    _PRODUCTS_OF.label("products"),
    Supplier.added_at,
)
_PRODUCTS = sa.select(
    SupplierProduct.sku,
    Product.name,
    SupplierProduct.supplier_id,
    SupplierProduct.code,
).join(Product, Product.sku == SupplierProduct.sku)
SUPPLIERS = ListSource(
    SupplierRow,
    _SUPPLIERS,
    key=Supplier.id,
    sorts={"name": sa.func.lower(Supplier.name, type_=sa.Text), "added": Supplier.id},
    filters={"name": lambda text: Supplier.name.icontains(text, autoescape=True)},
)


def get_supplier(session: Session, supplier_id: UUID) -> SupplierRow:
    """Return a supplier. Raises `NotFound`."""
    return session.get(SupplierRow, _SUPPLIERS.where(Supplier.id == supplier_id))


def find_by_provider(session: Session, provider: str) -> SupplierRow | None:
    """Return the supplier whose orders a provider takes; None without one."""
    return session.find(SupplierRow, _SUPPLIERS.where(Supplier.provider == provider))


def list_products(session: Session, supplier_id: UUID) -> Sequence[SuppliedProduct]:
    """Return what is bought from a supplier, in order of SKU."""
    own = _PRODUCTS.where(SupplierProduct.supplier_id == supplier_id)
    return session.select(SuppliedProduct, own.order_by(SupplierProduct.sku))


def products_by_sku(session: Session, skus: Collection[str]) -> Mapping[str, SuppliedProduct]:
    """Return these products by SKU, as far as an active supplier sells them."""
    found = _PRODUCTS.join(Supplier, Supplier.id == SupplierProduct.supplier_id).where(
        SupplierProduct.sku.in_(skus), Supplier.is_active
    )
    return {each.sku: each for each in session.select(SuppliedProduct, found)}
