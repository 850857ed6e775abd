"""What is bought most, what is bought together, and products side by side."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.catalog.products.rules import ProductForm
from app.catalog.rules import Metal
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Invalid
from app.shop.cancellations import service as cancellations
from app.shop.popularity import service as popularity
from app.shop.popularity.service import PEOPLE_MIN
from app.shop.storefront import queries as storefront_queries
from app.shop.storefront import rules
from app.shop.storefront.queries import OfferSearch
from app.shop.storefront.rules import ProductSort
from tests.people import People, set_prices
from tests.shop.sales_range import SalesRange, tier
from tests.shop.stall import Stall
from tests.vault.goods import Goods


@pytest.fixture
def stall(people: People) -> Stall:
    return Stall.open(people)


def buy(stall: Stall, *goods: Goods, people: int) -> None:
    """Let so many people buy these goods, each in one order."""
    for _ in range(people):
        buyer = stall.buyer(USD="20000.00")
        stall.buy(buyer, stall.lock(buyer, *goods))


def count(stall: Stall) -> None:
    with stall.database.transaction() as session:
        popularity.count_sales(session)


def in_order(stall: Stall, *goods: Goods) -> list[str]:
    """Return the SKUs of these goods by popularity."""
    skus = [each.sku for each in goods]
    with stall.database.reading() as session:
        search = OfferSearch(skus=skus, sort=ProductSort.POPULARITY)
        return [each.sku for each in storefront_queries.list_offers(session, search).page.data]


def bought_with(stall: Stall, goods: Goods) -> Sequence[str]:
    with stall.database.reading() as session:
        details = storefront_queries.get_offer(session, goods.sku)
    return [offer.sku for offer in details.also_bought]


def test_products_that_more_people_bought_lately_come_first(stall: Stall) -> None:
    once, often, never = (stall.coins(20) for _ in range(3))
    loyal = stall.buyer(USD="90000.00")
    for _ in range(3):
        stall.buy(loyal, stall.lock(loyal, once, quantity=4))
    buy(stall, often, people=2)
    count(stall)
    assert in_order(stall, once, often, never) == [often.sku, once.sku, never.sku]
    with time_machine.travel(clock.now() + timedelta(days=91), tick=False):
        set_prices(stall.database, AU="4000")
        buy(stall, never, people=1)
        count(stall)
        assert in_order(stall, once, often, never)[0] == never.sku
        assert set(in_order(stall, once, often, never)[1:]) == {once.sku, often.sku}


def test_pair_is_shown_once_enough_people_bought_it_in_one_order(stall: Stall) -> None:
    coin, bar, other = (stall.coins(20) for _ in range(3))
    buy(stall, coin, bar, people=PEOPLE_MIN - 1)
    same = stall.buyer(USD="40000.00")
    for goods in (coin, bar):
        stall.buy(same, stall.lock(same, goods))
    count(stall)
    assert bought_with(stall, coin) == []
    buy(stall, coin, bar, people=1)
    buy(stall, coin, other, people=PEOPLE_MIN + 1)
    count(stall)
    assert bought_with(stall, coin) == [other.sku, bar.sku]
    assert [bought_with(stall, bar), bought_with(stall, other)] == [[coin.sku], [coin.sku]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AU-A", ["AU-A"]),
        (" au-a ,AU-B,AU-A,", ["AU-A", "AU-B"]),
        (",".join(f"S{each}" for each in range(10)), [f"S{each}" for each in range(10)]),
    ],
)
def test_compared_products_are_named_by_their_skus(text: str, expected: list[str]) -> None:
    assert rules.parse_skus(text) == expected


@pytest.mark.parametrize("text", ["", " , ", ",".join(f"S{each}" for each in range(11))])
def test_no_products_or_too_many_are_not_compared(text: str) -> None:
    with pytest.raises(Invalid, match="skus"):
        rules.parse_skus(text)


def test_products_are_compared_by_the_price_of_a_fine_ounce_and_their_premium(
    app: Flask, database: Database
) -> None:
    """Silver is priced by gross ounces; what a fine one costs is more."""
    set_prices(database, AU="4000", AG="50")
    goods = SalesRange(database)
    coin = goods.add(tier("5"), fine="0.5", gross="0.5005")
    silver = goods.add(tier(per_unit=99), gross="1", fineness="0.999", metal=Metal.AG)
    unpriced = goods.add(form=ProductForm.SHEET)
    path = f"/api/shop/products?skus={coin},{silver},{unpriced},NO-SUCH-SKU"
    found = {each["sku"]: each for each in app.test_client().get(path).get_json()["data"]}
    compared = {
        sku: [each[name] for name in ("price", "pricePerFineOunce", "premiumPercent", "fineWeight")]
        for sku, each in found.items()
    }
    assert compared == {
        coin: ["2104.20", "4208.40", "5.00", "0.50000000"],
        silver: ["51.19", "51.24", "1.97", "0.99900000"],
        unpriced: [None, None, None, "0.99900000"],
    }
    refused = app.test_client().get("/api/shop/products?skus=,")
    assert refused.status_code == 422
    assert refused.get_json()["errors"][0]["field"] == "skus"


def test_orders_that_were_cancelled_count_for_no_product(stall: Stall) -> None:
    kept, undone = stall.coins(20), stall.coins(20)
    buy(stall, kept, people=1)
    for _ in range(2):
        buyer = stall.buyer(USD="20000.00")
        order = stall.buy(buyer, stall.lock(buyer, undone))
        with stall.database.transaction() as session:
            cancellations.cancel(session, buyer, order.id)
    count(stall)
    assert in_order(stall, kept, undone) == [kept.sku, undone.sku]
