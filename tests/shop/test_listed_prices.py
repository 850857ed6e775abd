"""Prices in lists of products: those of a lock to the cent, in bands, and in order."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine

from app.catalog.products.rules import ProductForm
from app.catalog.rules import Metal
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.ports import provide
from app.pricing.rules import HaltReason, MarketHours
from app.pricing.service import halt_market
from app.shop.prices import queries as prices_queries
from app.shop.prices.queries import PricedLine
from app.shop.prices.rules import ShopSettings
from app.shop.storefront import queries as storefront_queries
from app.shop.storefront.queries import Offer, OfferSearch
from app.shop.storefront.rules import PriceBand, ProductSort
from tests.drill import seeded_random
from tests.fixed_settings import fixed_settings
from tests.people import set_prices
from tests.shop.sales_range import SalesRange, tier


@pytest.fixture
def goods(database: Database) -> SalesRange:
    set_prices(database, AU="4000", AG="50", PT="1523.77", CU="0.3517")
    return SalesRange(database)


def list_offers(goods: SalesRange, mint: str, **search: object) -> list[Offer]:
    """Return what is found, a page of two after the other."""
    offers: list[Offer] = []
    cursor: str | None = None
    while True:
        with goods.database.reading() as session:
            page = storefront_queries.list_offers(
                session,
                OfferSearch(mint=mint, cursor=cursor, limit=2, **search),  # type: ignore[arg-type] # values of its fields
            ).page
        offers += page.data
        cursor = page.next_cursor
        if cursor is None:
            return offers


def locked_prices(goods: SalesRange, offer: Offer) -> list[str]:
    """Return what a lock would cost for one unit, at the first quantity of each tier."""
    wanted = [(offer.sku, each.from_quantity) for each in offer.tiers]
    with goods.database.reading() as session:
        return [
            str(line.unit_price)
            for line in prices_queries.price_goods(session, wanted, clock.now())
        ]


def test_listed_prices_are_those_of_a_lock_to_the_cent(goods: SalesRange) -> None:
    chances, mint = seeded_random("listed prices"), f"Mint {ids.new().hex}"
    for _ in range(12):
        metal = chances.choice([Metal.AU, Metal.AG, Metal.PT, Metal.CU])
        tiers = [
            tier(
                f"{chances.randrange(10**6) / Decimal(10**4):f}",
                per_ounce=f"{chances.randrange(10**5) / Decimal(10**4):f}",
                per_unit=chances.randrange(1000),
                from_quantity=quantity,
            )
            for quantity in (1, 10, 100)[: chances.randrange(1, 4)]
        ]
        gross = f"{chances.randrange(1, 10**9) / Decimal(10**8):f}"
        goods.add(*tiers, metal=metal, gross=gross, mint=mint)
    offers = list_offers(goods, mint)
    assert len(offers) == 12
    for offer in offers:
        assert [str(each.unit_price) for each in offer.tiers] == locked_prices(goods, offer)


def test_products_are_found_and_sorted_by_price(goods: SalesRange) -> None:
    mint = f"Mint {ids.new().hex}"
    coin = goods.add(tier("0"), mint=mint, fine="0.999")
    silver = goods.add(tier("0"), metal=Metal.AG, mint=mint)
    tenth = goods.add(tier("0"), mint=mint, gross="0.1", fine="0.0999")
    draft = goods.add(mint=mint, form=ProductForm.SHEET)

    def found(**search: object) -> list[str]:
        return [offer.sku for offer in list_offers(goods, mint, **search)]

    assert found(sort=ProductSort.PRICE) == [silver, tenth, coin, draft]
    assert found(sort=ProductSort.DEAREST) == [coin, tenth, silver, draft]
    assert found(price=PriceBand.TO_250) == [silver]
    assert found(price=PriceBand.TO_5000) == [coin]
    with goods.database.reading() as session:
        page = storefront_queries.list_offers(session, OfferSearch(mint=mint, facets=True))
        details = storefront_queries.get_offer(session, draft)
    assert page.facets is not None
    assert {(each.value, each.count) for each in page.facets["price"]} == {
        ("to_250", 1),
        ("to_1000", 1),
        ("to_5000", 1),
    }
    assert (details.offer.price, details.offer.tiers) == (None, [])


def test_product_has_no_price_while_nothing_is_sold(goods: SalesRange) -> None:
    """As for a lock: at an old price, at a halted market, and at a closed one without a setting."""
    mint = f"Mint {ids.new().hex}"
    friday = datetime(2026, 11, 20, 21, 59, 30, tzinfo=UTC)
    saturday = datetime(2026, 11, 21, 15, tzinfo=UTC)
    with time_machine.travel(friday, tick=False):
        set_prices(goods.database, PT="1500")
        sku = goods.add(tier("3"), metal=Metal.PT, mint=mint)

    def price() -> str | None:
        [offer] = list_offers(goods, mint)
        with goods.database.reading() as session:
            [line] = prices_queries.find_prices(session, [(sku, 1)], clock.now())
        locked = line.unit_price if isinstance(line, PricedLine) else None
        assert offer.price == locked
        return str(offer.price) if offer.price else None

    with time_machine.travel(saturday, tick=False):
        assert price() is None
        provide(MarketHours, MarketHours.REAL)
        assert price() is None
        with fixed_settings(ShopSettings(Decimal(2))):
            assert price() == "1582.88"
            with goods.database.transaction() as session:
                halt_market(session, None, Metal.PT, HaltReason.EVENT, note="a test of halts")
            assert price() is None
    set_prices(goods.database, PT="1500")
