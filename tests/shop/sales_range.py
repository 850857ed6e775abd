"""Products for sale, each test's own, with price rules and units on shelves."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.catalog.categories import service as categories
from app.catalog.categories.service import CategoryEntry
from app.catalog.products import service as products
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock, ids
from app.kit.db import Database
from app.shop.prices import queries as prices_queries
from app.shop.prices import service as prices
from app.shop.prices.queries import PricedLine
from app.shop.prices.rules import PriceScope, PriceTier
from app.shop.prices.versions import NewPriceRule
from tests.people import People
from tests.vault.goods import Goods as ShelvedGoods
from tests.vault.goods import open_location

REASON = "decided by the buyers"


def tier(
    percent: str = "0", *, per_ounce: str = "0", per_unit: int = 0, from_quantity: int = 1
) -> PriceTier:
    """Return a tier; `per_unit` is in cents."""
    return PriceTier(from_quantity, Decimal(percent), Decimal(per_ounce), per_unit)


@dataclass(frozen=True)
class SalesRange:
    """Adds products, categories and rules."""

    database: Database

    def add(
        self,
        *tiers: PriceTier,
        metal: Metal = Metal.AU,
        form: ProductForm = ProductForm.COIN,
        gross: str = "1",
        fineness: str = "0.999",
        fine: str | None = None,
        is_serialized: bool = False,
        **details: str,
    ) -> str:
        """Add a published product, with a rule of its own if tiers are given; return its SKU."""
        sku = f"S{ids.new().hex[-12:].upper()}"
        product = NewProduct(
            sku,
            f"Goods {sku}",
            metal,
            form,
            gross,
            fineness,
            fine,
            tax_class=TaxClass.BULLION,
            is_serialized=is_serialized,
        )
        with self.database.transaction() as session:
            products.add_product(session, None, product)
            products.change_product(session, None, sku, {"published_from": "2026-01-01"} | details)
        if tiers:
            self.rule(PriceScope(sku=sku), *tiers)
        return sku

    def category(self, parent_id: UUID | None = None) -> tuple[UUID, str]:
        """Add a category; return its id and slug."""
        slug = f"c-{ids.new().hex[-12:]}"
        with self.database.transaction() as session:
            entry = CategoryEntry(slug, "Category", parent_id)
            return categories.add_category(session, None, entry), slug

    def rule(self, scope: PriceScope, *tiers: PriceTier) -> UUID:
        """Record a rule that counts from now on; return its id."""
        with self.database.transaction() as session:
            return prices.set_by_operator(session, NewPriceRule(scope, tiers), reason=REASON)

    def shelf(self, people: People, sku: str, branch_id: UUID | None = None) -> ShelvedGoods:
        """Open a location of a branch, a new one if none is given, with none of the product yet."""
        location = open_location(people, branch_id or people.branch())
        return ShelvedGoods(self.database, sku, location)

    def stock(
        self, people: People, sku: str, units: int, branch_id: UUID | None = None
    ) -> ShelvedGoods:
        """Receive units at a new location of a branch, a new one if none is given."""
        goods = self.shelf(people, sku, branch_id)
        goods.receive(units=str(units), cost=f"{units * 4000}.00")
        return goods

    def price(self, sku: str, quantity: int = 1) -> PricedLine:
        """Return what units of a product cost now."""
        with self.database.reading() as session:
            [line] = prices_queries.price_goods(session, [(sku, quantity)], clock.now())
        return line
