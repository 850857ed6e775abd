"""Exchanges about products, categories, carts and price locks."""

import pytest

from app.catalog.categories import service as categories
from app.catalog.categories.service import CategoryEntry
from app.catalog.products import service as products
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock, ids
from app.pricing.rules import HaltReason
from app.pricing.service import halt_market
from app.sample.drawings import SIZE, draw_product
from app.shop.cart import service as cart_service
from app.shop.images import service as images
from app.shop.locks import queries as locks_queries
from app.shop.locks import service as locks
from app.shop.locks.rules import LOCK_PREFIX, LockSettings
from app.shop.prices import service as prices
from app.shop.prices.rules import PriceScope
from app.shop.prices.versions import NewPriceRule
from tests.api_client import assert_problem
from tests.api_document.examples import RecordingClient
from tests.api_document.play import Play
from tests.fixed_settings import fixed_settings
from tests.people import People
from tests.shop.sales_range import SalesRange, tier

_CART = "/api/shop/cart"
_LOCK = "/api/shop/lock-quote"
_EAGLE = NewProduct(
    "AU-EAGLE-2026", "Gold Eagle, 1 oz", Metal.AU, ProductForm.COIN, "1.0909", "0.9167", "1",
    tax_class=TaxClass.LEGAL_TENDER,
)  # fmt: skip
_DETAILS = {
    "slug": "gold-eagle-1-oz",
    "category": "gold-coins",
    "mint": "United States Mint",
    "short_text": "The gold coin of the United States",
    "year": "2026",
    "face_value": "50",
    "face_currency": "USD",
    "is_legal_tender": "yes",
    "width_mm": "32.7",
    "height_mm": "32.7",
    "thickness_mm": "2.87",
    "published_from": "2026-01-01",
}


def browse(play: Play, visitor: RecordingClient) -> None:
    """Look for a coin, and read about it."""
    with play.database.transaction() as session:
        categories.add_category(session, None, CategoryEntry("gold-coins", "Gold coins"))
        products.add_product(session, None, _EAGLE)
        products.change_product(session, None, _EAGLE.sku, _DETAILS)
        drawing, alt = draw_product(_EAGLE)
        images.add_drawing(session, None, _EAGLE.sku, svg=drawing, size=SIZE, alt=alt)
        for_coins = PriceScope(metal=Metal.AU, form=ProductForm.COIN)
        first, ten = tier("5"), tier("4.25", from_quantity=10)
        prices.set_by_operator(
            session, NewPriceRule(for_coins, [first, ten]), reason="First prices of coins"
        )
    visitor.ok(200, visitor.get("/api/shop/products", metal="AU", category="COINS", facets="true"))
    visitor.ok(200, visitor.get("/api/shop/products", search="gold eagel"))
    visitor.ok(200, visitor.get("/api/shop/products", skus=_EAGLE.sku, sort="popularity"))
    visitor.ok(200, visitor.get("/api/shop/products/AU-EAGLE-2026"))
    assert_problem(visitor.get("/api/shop/products/AU-NOTHING"), 404, "not_found")
    visitor.ok(200, visitor.get("/api/shop/categories"))


def fill_cart(play: Play, ada: RecordingClient, patch: pytest.MonkeyPatch) -> None:
    """Fill a cart as a visitor, up to what it holds, and sign in with it."""
    visitor = play.client("visitor")
    cart = f"{_CART}/{visitor.ok(201, visitor.post(_CART))['id']}"
    eagle = {"sku": _EAGLE.sku, "quantity": 2}
    with_eagles = f"{cart}/items/{_EAGLE.sku}"
    visitor.ok(200, visitor.post(f"{cart}/items", eagle))
    visitor.ok(200, visitor.send("PUT", with_eagles, json={"quantity": 3}))
    visitor.ok(200, visitor.get(cart))
    visitor.ok(200, visitor.send("DELETE", with_eagles))
    with patch.context() as smaller:
        smaller.setattr(cart_service, "LINES_MAX", 0)
        assert_problem(visitor.post(f"{cart}/items", eagle), 409, "cart_full")
        assert_problem(visitor.send("PUT", with_eagles, json={"quantity": 3}), 409, "cart_full")
    assert_problem(visitor.get(f"{_CART}/crt_gone"), 404, "not_found")
    assert_problem(ada.post(_LOCK, {"cartId": "crt_gone"}), 404, "not_found")
    ada.ok(201, ada.post(_CART))
    ada.ok(200, ada.post(_CART))


def lock_prices(play: Play, ada: RecordingClient) -> None:
    """Lock the price of three coins; release one lock, use another, and be refused others."""
    shelf = SalesRange(play.database).stock(People(play.database), _EAGLE.sku, 5)
    eagles = {"items": [{"sku": _EAGLE.sku, "quantity": 3}]}
    unknown = {"items": [{"sku": "AU-NOTHING", "quantity": 1}]}
    assert_problem(ada.post(_LOCK, unknown), 409, "not_for_sale")
    quote = ada.ok(201, ada.post(_LOCK, eagles))["quoteId"]
    assert_problem(ada.post(_LOCK, eagles), 409, "insufficient_stock")
    assert ada.send("DELETE", f"{_LOCK}/{quote}").status_code == 204
    with fixed_settings(LockSettings(pieces_max=1)):
        assert_problem(ada.post(_LOCK, eagles), 409, "limit_exceeded")
    with play.without_prices():
        assert_problem(ada.post(_LOCK, eagles), 409, "price_stale")
    with play.database.transaction() as session:
        halt_market(session, None, Metal.AU, HaltReason.EVENT, note="a test of halts")
    assert_problem(ada.post(_LOCK, eagles), 409, "market_halted")
    play.pass_time(seconds=0)
    used = ada.ok(201, ada.post(_LOCK, eagles))["quoteId"]
    with play.database.transaction() as session:
        lock = locks_queries.get_lock(session, ada.user_id, ids.decode(LOCK_PREFIX, used))
        locks.use(session, lock, ids.new(), at=clock.now())
    assert_problem(ada.send("DELETE", f"{_LOCK}/{used}"), 409, "quote_used")
    assert_problem(ada.send("DELETE", f"{_LOCK}/{used[:-4]}0000"), 404, "not_found")
    assert shelf.free() == 2
