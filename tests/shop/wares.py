"""Products that customers see in the shop, for tests: each under a SKU of its own."""

from app.catalog.products import service as products
from app.kit.db import Database
from app.shop.prices.rules import PriceScope
from tests.catalog.test_products import add
from tests.people import People
from tests.shop.sales_range import SalesRange, tier
from tests.vault.goods import Goods

LONG_AGO = "2026-01-01"
#: 5 percent above the metal, and 4 from ten units on.
TIERS = (tier("5"), tier("4", from_quantity=10))


def publish(database: Database, *skus: str, until: str = "") -> None:
    """Let customers see products, until the end of this day."""
    changes = {"published_from": LONG_AGO, "published_until": until}
    with database.transaction() as session:
        for sku in skus:
            products.change_product(session, None, sku, changes)


def add_coin(database: Database) -> str:
    """Add a gold coin that is for sale and of which there is none. Return its SKU."""
    sku = add(database).sku
    _sell(database, sku)
    return sku


def stock_coins(database: Database, units: int) -> Goods:
    """Add a gold coin that is for sale, and put so many units into a new vault."""
    goods = Goods.at_a_new_location(People(database))
    goods.receive(units=str(units), cost=f"{3990 * units}.00")
    _sell(database, goods.sku)
    return goods


def _sell(database: Database, sku: str) -> None:
    publish(database, sku)
    SalesRange(database).rule(PriceScope(sku=sku), *TIERS)
