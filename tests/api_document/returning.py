"""Exchanges about returns of goods."""

from app.access import Role
from app.kit import ids
from app.shop.returns import labels, requesting
from tests.api_client import assert_problem
from tests.api_document.buying import ADDRESS, CHECKOUT, lock_coin
from tests.api_document.money import create_verified
from tests.api_document.play import Play
from tests.people import People
from tests.shop.return_desk import REASON, deliver

_ORDERS, _RETURNS = "/api/shop/orders", "/api/shop/returns"
_BODY = {"items": [{"line": 1, "quantity": 1}], "reason": "damaged"}


def return_goods(play: Play) -> None:
    """Return a coin, and be refused for each reason."""
    buyer, people = create_verified(play, "nora", USD="60000"), People(play.database)
    plain = buyer.plain()
    body = {
        "quoteId": lock_coin(plain),
        "shippingAddress": ADDRESS,
        "payment": {"method": "balance"},
    }
    order_id = str(plain.ok(201, plain.post(CHECKOUT, body))["order"]["id"])
    path = f"{_ORDERS}/{order_id}/returns"
    assert_problem(buyer.post(path, _BODY), 409, "return_window_closed")
    deliver(play.database, people.staff(Role.INVENTORY), ids.decode("ord", order_id))
    requested = buyer.ok(201, buyer.post(path, _BODY))["return"]
    buyer.ok(200, buyer.get(path))
    own = f"{_RETURNS}/{requested['id']}"
    buyer.ok(200, buyer.get(own))
    assert_problem(buyer.get(f"{own}/label"), 404, "not_found")
    return_id, clerk = ids.decode("rma", requested["id"]), people.staff(Role.SUPPORT)
    with play.database.transaction() as session:
        requesting.approve(session, clerk, return_id, location="ALB-STORE", reason=REASON)
    labels.buy_label(play.database, return_id)
    assert buyer.get(f"{own}/label").status_code == 200
    buyer.ok(200, buyer.post(f"{own}/cancel"))
    refused = ids.decode(
        "rma", buyer.plain().ok(201, buyer.plain().post(path, _BODY))["return"]["id"]
    )
    with play.database.transaction() as session:
        requesting.refuse(session, clerk, refused, reason=REASON)
    ended = f"{_RETURNS}/{ids.encode('rma', refused)}"
    assert_problem(buyer.post(f"{ended}/cancel"), 409, "return_moved_on")
    unknown = f"{_ORDERS}/{ids.encode('ord', ids.new())}/returns"
    assert_problem(buyer.get(unknown), 404, "not_found")
    assert_problem(buyer.post(unknown, _BODY), 404, "not_found")
    none = f"{_RETURNS}/{ids.encode('rma', ids.new())}"
    assert_problem(buyer.get(none), 404, "not_found")
    assert_problem(buyer.post(f"{none}/cancel"), 404, "not_found")
