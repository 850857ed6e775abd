"""Products that customers see in the shop, for tests: each under a SKU of its own."""

from app.catalog.products import service as products
from app.kit.db import Database
from tests.catalog.test_products import add
from tests.people import People
from tests.vault.goods import Goods

LONG_AGO = "2026-01-01"


def publish(database: Database, *skus: str, until: str = "") -> None:
    """Let customers see products, until the end of this day."""
    changes = {"published_from": LONG_AGO, "published_until": until}
    with database.transaction() as session:
        for sku in skus:
            products.change_product(session, None, sku, changes)


def add_coin(database: Database) -> str:
    """Add a gold coin that customers see and of which there is none. Return its SKU."""
    sku = add(database).sku
    publish(database, sku)
    return sku


def stock_coins(database: Database, units: int) -> Goods:
    """Add a gold coin that customers see, and put so many units into a new vault."""
    goods = Goods.at_a_new_location(People(database))
    goods.receive(units=str(units), cost=f"{3990 * units}.00")
    publish(database, goods.sku)
    return goods
