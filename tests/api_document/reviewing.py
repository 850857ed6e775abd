"""Exchanges about orders that staff look at before their goods are sold."""

from typing import Any

from app.access import Role
from app.cases import service as cases
from app.identity.models import User
from app.kit import ids
from app.screening.decisions.case_outcomes import TRUE_MATCH
from app.screening.models import Screening
from app.shop.checkout.rules import OrderReviewRules
from tests import sanctions
from tests.api_client import assert_problem
from tests.api_document.buying import ADDRESS, CHECKOUT, STAFF_ORDERS, lock_coin
from tests.api_document.examples import RecordingClient
from tests.api_document.goods import sign_staff_in
from tests.api_document.money import create_verified
from tests.api_document.play import Play
from tests.fixed_settings import fixed_settings
from tests.paying_customer import usd
from tests.people import People
from tests.rows import change_rows, read_values

_RELEASE = {"status": "allocated", "reason": "The customer called back."}
_REJECT = {"status": "cancelled", "reason": "The address is of a forwarder."}


def review_orders(play: Play) -> None:
    """Release and reject orders on hold, and be refused for each reason."""
    buyer = create_verified(play, "hugo", USD="60000")
    released, rejected, large, own = (_hold(buyer) for _ in range(4))
    staff = People(play.database).staff(Role.COMPLIANCE)
    officer = sign_staff_in(play, "officer", staff.email)
    officer.ok(200, _decide(officer, released, _RELEASE))
    officer.ok(200, _decide(officer, rejected, _REJECT))
    assert_problem(_decide(officer, rejected, _RELEASE), 409, "order_not_on_hold")
    assert_problem(_decide(officer, ids.encode("ord", ids.new()), _REJECT), 404, "not_found")
    with fixed_settings(OrderReviewRules(approval_from=usd("1"))):
        officer.ok(202, _decide(officer, large, _RELEASE))
        assert_problem(_decide(officer, large, _RELEASE), 409, "approval_pending")
    listed = {**ADDRESS, "recipient": sanctions.LISTED_NAME}
    to_listed = _hold(buyer, listed)
    assert_problem(_decide(officer, to_listed, _RELEASE), 409, "screening_undecided")
    with play.database.transaction() as session:
        [case_id] = read_values(session, Screening.case_id, Screening.about == to_listed)
        # What follows for the customer is another matter: here it is the order alone.
        change_rows(session, User, User.id == buyer.user_id, role=Role.COMPLIANCE)
        cases.close(session, staff, case_id, disposition=TRUE_MATCH, reason="It is their name")
        change_rows(session, User, User.id == buyer.user_id, role=Role.USER)
    body = {
        "quoteId": lock_coin(buyer),
        "shippingAddress": listed,
        "payment": {"method": "balance"},
    }
    assert_problem(buyer.post(CHECKOUT, body), 409, "delivery_refused")
    changes = f"/api/shop/orders/{released}/changes"
    assert_problem(buyer.post(changes, {"shippingAddress": listed}), 409, "delivery_refused")
    with play.database.transaction() as session:
        change_rows(session, User, User.id == buyer.user_id, role=Role.COMPLIANCE)
    colleague = play.client("colleague")
    colleague.token = buyer.plain().sign_in()["accessToken"]
    assert_problem(_decide(colleague, own, _RELEASE), 409, "own_order")
    play.pass_time(minutes=11)
    assert_problem(_decide(officer, own, _RELEASE), 401, "reauthentication_required")


def _hold(buyer: RecordingClient, address: dict[str, Any] = ADDRESS) -> str:
    plain = buyer.plain()
    with fixed_settings(OrderReviewRules(first_order_from=usd("1"))):
        order = plain.ok(201, plain.post(CHECKOUT, _order(buyer, address)))["order"]
    assert order["status"] == "on_hold"
    return str(order["id"])


def _order(buyer: RecordingClient, address: dict[str, Any]) -> dict[str, Any]:
    quote_id = lock_coin(buyer.plain())
    return {"quoteId": quote_id, "shippingAddress": address, "payment": {"method": "balance"}}


def _decide(officer: RecordingClient, order_id: str, body: dict[str, str]) -> Any:
    path = f"{STAFF_ORDERS}/{order_id}/status"
    return officer.send("PUT", path, json=body, headers={"Idempotency-Key": ids.new().hex})
