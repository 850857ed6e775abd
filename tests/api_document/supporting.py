"""Exchanges of support staff: their queue, a customer, and an order of the customer."""

from typing import Any

from app.access import Actor, Role
from app.identity.accounts.rules import AccountStatus
from app.identity.credentials import security_mail
from app.identity.models import User
from app.kit import clock, ids
from app.shop.refunds.by_staff import RefundRules
from tests.api_client import assert_problem
from tests.api_document.goods import sign_staff_in
from tests.api_document.money import create_verified
from tests.api_document.play import Play
from tests.api_document.refunding import buy
from tests.fixed_settings import fixed_settings
from tests.paying_customer import usd
from tests.people import People
from tests.rows import change_rows

_ADJUSTMENT = {"items": [{"line": 1, "quantity": 1}], "reason": "One coin too many."}


def support_customers(play: Play) -> None:
    """Look at the queue and at a customer, help them, and be refused for each reason."""
    buyer, gone = create_verified(play, "sofia", USD="60000"), play.client("erased")
    order, large = buy(buyer), buy(buyer)
    person, unknown = str(buyer.user["id"]), ids.encode("usr", ids.new())
    clerk = sign_staff_in(play, "helper", People(play.database).staff(Role.SUPPORT).email)
    user = f"/api/support/user/{person}"
    clerk.ok(200, clerk.get("/api/support/dashboard"))
    clerk.ok(200, clerk.get("/api/support/search", q=buyer.email))
    clerk.ok(200, clerk.get(user))
    assert_problem(clerk.get(f"/api/support/user/{unknown}"), 404, "not_found")
    clerk.ok(201, clerk.post(f"{user}/note", {"note": "Asks for a larger limit."}))
    note = {"note": "Who is it?"}
    assert_problem(clerk.post(f"/api/support/user/{unknown}/note", note), 404, "not_found")
    missing = clerk.post(f"/api/support/user/{unknown}/reset-password")
    assert_problem(missing, 404, "not_found")
    customers = People(play.database)
    suspended, erased = (f"/api/support/user/{_id(customers.customer())}" for _ in range(2))
    _change(play, suspended, status=AccountStatus.SUSPENDED)
    _change(play, erased, status=AccountStatus.ERASED, erased_at=clock.now())
    inactive = clerk.post(f"{suspended}/reset-password")
    assert_problem(inactive, 409, "account_not_active")
    assert_problem(clerk.post(f"{erased}/reset-password"), 409, "person_erased")
    assert_problem(clerk.post(f"{erased}/note", note), 409, "person_erased")
    assert clerk.post(f"{user}/reset-password").status_code == 204
    for _ in range(security_mail.LINKS_PER_HOUR_MAX - 1):
        clerk.plain().post(f"{user}/reset-password")
    assert_problem(clerk.post(f"{user}/reset-password"), 429, "rate_limited")
    adjust = f"/api/support/order/{order}/adjust"
    with fixed_settings(RefundRules(approval_from=usd("1000000"))):
        clerk.ok(200, clerk.post(adjust, _ADJUSTMENT))
    assert_problem(clerk.post(adjust, _ADJUSTMENT), 409, "order_not_refundable")
    other = f"/api/support/order/{ids.encode('ord', ids.new())}/adjust"
    assert_problem(clerk.post(other, _ADJUSTMENT), 404, "not_found")
    clerk.ok(202, clerk.post(f"/api/support/order/{large}/adjust", _ADJUSTMENT))
    pending = clerk.post(f"/api/support/order/{large}/adjust", _ADJUSTMENT)
    assert_problem(pending, 409, "approval_pending")
    admin = sign_staff_in(play, "head of support", People(play.database).staff(Role.ADMIN).email)
    admin.ok(200, admin.get(f"/api/support/audit/{person}"))
    assert_problem(admin.get(f"/api/support/audit/{unknown}"), 404, "not_found")
    admin.ok(200, admin.get("/api/support/stats"))
    # Its coin is for sale again.
    buyer.plain().ok(200, buyer.plain().post(f"/api/shop/orders/{large}/cancel"))
    with play.database.transaction() as session:
        change_rows(session, User, User.id == buyer.user_id, role=Role.SUPPORT)
    gone.token = buyer.plain().sign_in()["accessToken"]
    own = gone.post(f"/api/support/order/{large}/adjust", _ADJUSTMENT)
    assert_problem(own, 409, "own_order")


def _id(person: Actor) -> str:
    return ids.encode("usr", person.user_id)


def _change(play: Play, path: str, **values: Any) -> None:
    person_id = ids.decode("usr", path.rpartition("/")[2])
    with play.database.transaction() as session:
        change_rows(session, User, User.id == person_id, **values)
