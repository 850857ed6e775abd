"""What products are found, counted and sorted by is true of them after each kind of change:
a page computes prices and stock of its products anew, facets and filters use what is stored."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.access import Role
from app.catalog.products import service as products
from app.catalog.rules import Metal
from app.kit import clock, ids
from app.kit.db import SNAPSHOT, Database
from app.reconciliation.invariants import LISTING_INVARIANTS, find_violations
from app.shop.prices import service as prices
from app.shop.prices import versions
from app.shop.prices.rules import PriceScope
from app.shop.prices.versions import Author, NewPriceRule
from app.shop.storefront import queries as storefront_queries
from app.shop.storefront import service as storefront
from app.shop.storefront.models import ProductListing
from app.shop.storefront.queries import Offer, OfferSearch
from app.shop.storefront.rules import PRICE_ENDS, PriceBand, ProductSort
from app.vault.transfers import service as stock_transfers
from tests.broken_books import break_books, verified
from tests.people import People, set_prices
from tests.rows import read_values
from tests.shop.sales_range import REASON, SalesRange, tier
from tests.shop.stall import Stall
from tests.superuser import require_superuser


@dataclass(frozen=True)
class Shop:
    """Products of a mint that no other test has."""

    range: SalesRange
    mint: str

    @property
    def database(self) -> Database:
        return self.range.database

    def search(self, **search: object) -> storefront_queries.OfferPage:
        with self.database.reading() as session:
            return storefront_queries.list_offers(
                session,
                OfferSearch(mint=self.mint, **search),  # type: ignore[arg-type] - values of its fields
            )

    def check(self) -> list[Offer]:
        """Assert that what is stored agrees with the products of the page; return these."""
        result = self.search(facets=True)
        offers = result.page.data
        assert result.facets is not None
        counted = {name: {each.value: each.count for each in result.facets[name]} for name in FACTS}
        assert counted == {
            name: dict(Counter(filter(None, map(fact, offers)))) for name, fact in FACTS.items()
        }
        for in_stock in (True, False):
            wanted = [each.sku for each in offers if (each.available > 0) is in_stock]
            assert [each.sku for each in self.search(in_stock=in_stock).page.data] == wanted
        by_price = sorted(
            offers, key=lambda each: (each.price is None, each.price and each.price.units, each.sku)
        )
        assert [each.sku for each in self.search(sort=ProductSort.PRICE).page.data] == [
            each.sku for each in by_price
        ]
        return list(offers)


def band_of(offer: Offer) -> str | None:
    if offer.price is None:
        return None
    ends = (band for end, band in PRICE_ENDS if offer.price.units < end * 100)
    return next(ends, PriceBand.OVER_5000)


FACTS: dict[str, Callable[[Offer], str | None]] = {
    "in_stock": lambda offer: "true" if offer.available else "false",
    "price": band_of,
    "metal": lambda offer: offer.metal,
}


@pytest.fixture
def shop(database: Database) -> Shop:
    set_prices(database, AU="4000", AG="50")
    return Shop(SalesRange(database), f"Mint {ids.new().hex}")


def stocked_places(shop: Shop, sku: str) -> int:
    with shop.database.reading() as session:
        [places] = read_values(session, ProductListing.stocked_places, ProductListing.sku == sku)
    return int(places)


def test_stock_that_comes_moves_and_goes_is_found_as_it_is(shop: Shop, people: People) -> None:
    sku = shop.range.add(tier("5"), mint=shop.mint)
    shop.range.add(tier("5"), mint=shop.mint)
    places = [stocked_places(shop, sku)]

    def note() -> None:
        places.append(stocked_places(shop, sku))
        shop.check()

    here = shop.range.stock(people, sku, 3)
    note()
    there = here.at_another_location(people)
    staff = people.staff(Role.ADMIN)
    with shop.database.transaction() as session:
        transfer_id = stock_transfers.send_goods(
            session,
            staff,
            origin=here.location.code,
            destination=there.location.code,
            units_by_sku={sku: 1},
        )
    note()
    with shop.database.transaction() as session:
        stock_transfers.receive(session, staff, transfer_id, {sku: 1})
    note()
    buyer = people.customer().user_id
    hold_id = here.reserve(2)
    note()
    here.sell_reserved(buyer, hold_id, units=2, price="8000.00", spot="4000")
    there.sell(buyer, units=1, price="4000.00", spot="4000")
    note()
    assert places == [0, 1, 1, 2, 1, 0]


def test_locked_and_bought_units_are_out_of_stock(people: People) -> None:
    stall = Stall.open(people)
    shop = Shop(stall.range, f"Mint {ids.new().hex}")
    goods = stall.coins(1, mint=shop.mint)
    buyer = stall.buyer(USD="9000.00")
    assert [each.available for each in shop.check()] == [1]
    lock = stall.lock(buyer, goods)
    assert [each.available for each in shop.check()] == [0]
    stall.buy(buyer, lock)
    assert [each.available for each in shop.check()] == [0]


def test_prices_in_facets_and_order_follow_rules_and_the_market(shop: Shop) -> None:
    category_id, slug = shop.range.category()
    sku = shop.range.add(mint=shop.mint, category=slug)
    shop.range.rule(PriceScope(sku=sku), tier("5"), tier("4", from_quantity=10))
    shop.range.add(mint=shop.mint, category=slug, gross="0.1", metal=Metal.AG)
    shop.range.add(tier("1"), mint=shop.mint, gross="0.5")

    def price() -> str:
        return next(str(each.price) for each in shop.check() if each.sku == sku)

    assert price() == "4204.19"
    shop.range.rule(PriceScope(category_id=category_id), tier("50"))
    assert price() == "4204.19"
    of_product = shop.range.rule(PriceScope(sku=sku), tier("0", per_ounce="2000"))
    assert price() == "6001.99"
    set_prices(shop.database, AU="200")
    assert price() == "2198.20"
    with shop.database.transaction() as session:
        versions.end_version(session, of_product, Author(None, REASON))
    assert price() == "300.30"
    set_prices(shop.database, AU="4000")


def test_rule_of_a_time_counts_just_then(shop: Shop) -> None:
    sku = shop.range.add(tier("5"), mint=shop.mint)
    now = clock.now()
    begins, ends = now + timedelta(hours=1), now + timedelta(hours=2)
    rule = NewPriceRule(PriceScope(sku=sku), [tier("10")], begins, ends)
    with shop.database.transaction() as session:
        prices.set_by_operator(session, rule, reason=REASON)
    found = {}
    for minutes in (0, 59, 60, 119, 120):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            set_prices(shop.database, AU="4000")
            [offer] = shop.check()
            found[minutes] = str(offer.price)
            with shop.database.transaction() as session:
                storefront.refresh_terms(session)
            [offer] = shop.check()
            assert str(offer.price) == found[minutes]
    set_prices(shop.database, AU="4000")
    five, ten = "4204.19", "4404.39"
    assert found == {0: five, 59: five, 60: ten, 119: ten, 120: five}


def test_product_is_listed_as_it_is_changed_and_withdrawn(shop: Shop) -> None:
    sku = shop.range.add(tier("5"), mint=shop.mint, metal=Metal.AG)
    shop.range.add(mint=shop.mint)
    assert len(shop.check()) == 2
    with shop.database.transaction() as session:
        products.change_product(session, None, sku, {"published_until": "2026-01-02"})
    assert sku not in [each.sku for each in shop.check()]
    with shop.database.transaction() as session:
        products.change_product(session, None, sku, {"published_until": "", "display_order": "1"})
    assert shop.check()[0].sku == sku


BREAKS = {
    "a product is listed as it is": "UPDATE listings SET popularity = popularity + 1",
    "a listing counts the places with units for sale": (
        "UPDATE listings SET stocked_places = stocked_places + 1"
    ),
    "a listing has the terms of the rule of its product": (
        "UPDATE listings SET own_terms_from = '-infinity'"
    ),
}


def test_listings_agree_after_every_change_and_each_disagreement_is_found(
    unguarded_app: Flask,
) -> None:
    require_superuser()
    assert list(BREAKS) == [invariant.name for invariant in LISTING_INVARIANTS]
    database = unguarded_app.extensions["database"]
    goods = SalesRange(database)
    goods.stock(People(database), goods.add(tier("5")), 2)
    assert verified(unguarded_app).exit_code == 0
    for name, statement in BREAKS.items():
        break_books(unguarded_app, statement)
        with database.transaction(SNAPSHOT) as session:
            assert {each.invariant for each in find_violations(session)} >= {name}
