"""Exchanges about refunds by staff."""

from typing import Any

from app.access import Role
from app.identity.models import User
from app.kit import ids
from app.shop.refunds.by_staff import RefundRules
from tests.api_client import assert_problem
from tests.api_document.buying import CHECKOUT, STAFF_ORDERS, lock_coin
from tests.api_document.examples import RecordingClient
from tests.api_document.goods import sign_staff_in
from tests.api_document.money import create_verified
from tests.api_document.play import Play
from tests.fixed_settings import fixed_settings
from tests.paying_customer import usd
from tests.people import People
from tests.rows import change_rows

_BODY = {"items": [{"line": 1, "quantity": 1}], "reason": "One coin was scratched."}


def refund_orders(play: Play) -> None:
    """Refund orders, and be refused for each reason."""
    buyer = create_verified(play, "rosa", USD="60000")
    order, large = (buy(buyer) for _ in range(2))
    clerk = sign_staff_in(play, "clerk", People(play.database).staff(Role.SUPPORT).email)
    with fixed_settings(RefundRules(approval_from=usd("1000000"))):
        clerk.ok(200, _refund(clerk, order))
    assert_problem(_refund(clerk, order), 409, "order_not_refundable")
    assert_problem(_refund(clerk, ids.encode("ord", ids.new())), 404, "not_found")
    clerk.ok(202, _refund(clerk, large))
    assert_problem(_refund(clerk, large), 409, "approval_pending")
    # Its coin is for sale again.
    buyer.plain().ok(200, buyer.plain().post(f"/api/shop/orders/{large}/cancel"))
    with play.database.transaction() as session:
        change_rows(session, User, User.id == buyer.user_id, role=Role.SUPPORT)
    colleague = play.client("former customer")
    colleague.token = buyer.plain().sign_in()["accessToken"]
    assert_problem(_refund(colleague, large), 409, "own_order")
    play.pass_time(minutes=11)
    assert_problem(_refund(clerk, large), 401, "reauthentication_required")


def buy(buyer: RecordingClient) -> str:
    plain = buyer.plain()
    quote_id = lock_coin(plain)
    body = {"quoteId": quote_id, "destination": "vault", "payment": {"method": "balance"}}
    return str(plain.ok(201, plain.post(CHECKOUT, body))["order"]["id"])


def _refund(staff: RecordingClient, order_id: str) -> Any:
    return staff.post(f"{STAFF_ORDERS}/{order_id}/refund", _BODY)
