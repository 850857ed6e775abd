"""Exchanges about changes of paid orders."""

from app.catalog.rules import Metal
from app.kit import ids
from app.pricing import service as pricing
from app.pricing.rules import HaltReason
from tests.api_client import assert_problem
from tests.api_document.buying import ABROAD, ADDRESS, CHECKOUT, PUERTO_RICO, SKU
from tests.api_document.money import create_verified
from tests.api_document.play import Play
from tests.people import set_prices

_FEWER = {"items": [{"line": 1, "quantity": 1}]}


def change_orders(play: Play) -> None:
    """Change a paid order of two coins, and be refused for each reason."""
    buyer = create_verified(play, "iris", USD="20000")
    plain = buyer.plain()
    items = {"items": [{"sku": SKU, "quantity": 2}]}
    quote = plain.ok(201, plain.post("/api/shop/lock-quote", items))["quoteId"]
    body = {"quoteId": quote, "shippingAddress": ADDRESS, "payment": {"method": "balance"}}
    order = plain.ok(201, plain.post(CHECKOUT, body))["order"]["id"]
    changes = f"/api/shop/orders/{order}/changes"
    preview = f"{changes}/preview"
    with play.without_prices():
        for path in (preview, changes):
            assert_problem(buyer.post(path, _FEWER), 409, "price_stale")
    with play.database.transaction() as session:
        pricing.halt_market(session, None, Metal.AU, HaltReason.EVENT, note="Example")
    for path in (preview, changes):
        assert_problem(buyer.post(path, _FEWER), 409, "market_halted")
    set_prices(play.database, AU="4000")
    buyer.ok(200, buyer.post(preview, _FEWER))
    buyer.ok(200, buyer.post(changes, _FEWER))
    moved = {"shippingAddress": ADDRESS | {"street": "3 Main Street"}}
    buyer.ok(200, buyer.post(changes, moved))
    for place, code in ((ABROAD, "region_restricted"), (PUERTO_RICO, "tax_unknown")):
        assert_problem(buyer.post(changes, {"shippingAddress": place}), 409, code)
    play.pass_time(minutes=11)
    assert_problem(buyer.post(changes, moved), 401, "reauthentication_required")
    plain.ok(200, plain.post(f"/api/shop/orders/{order}/cancel"))
    unknown = changes.replace(order, ids.encode("ord", ids.new()))
    for path in (preview, changes):
        assert_problem(buyer.post(path, _FEWER), 409, "order_not_changeable")
    for path in (f"{unknown}/preview", unknown):
        assert_problem(buyer.post(path, _FEWER), 404, "not_found")
