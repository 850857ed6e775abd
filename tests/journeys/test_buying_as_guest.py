"""Buying without a password over HTTP: by a mailed link, within a limit, and claimed later."""

from typing import Any

from flask import Flask

from tests.api_client import ACCEPTED_POLICIES, PASSWORD, ApiClient, assert_problem
from tests.journeys.world import World
from tests.mailbox import Mailbox, run_pending_jobs
from tests.page_client import Browser
from tests.people import People, set_prices
from tests.shop.stall import Stall
from tests.vault.goods import Goods

CONCORD = {
    "country": "US", "recipient": "Ada Lovelace", "street": "1 Main Street", "city": "Concord",
    "state": "NH", "zipCode": "03301",
}  # fmt: skip


def request_link(guest: ApiClient, mailbox: Mailbox, **changes: Any) -> str:
    """Request the link of a guest, and return its token."""
    body = {"email": guest.email, "firstName": "Ada", "lastName": "Lovelace", **changes}
    guest.token = None
    assert guest.post("/api/auth/guest", body).status_code == 202
    run_pending_jobs(guest.app.extensions["database"])
    return mailbox.latest_token(guest.email)


def sign_in(guest: ApiClient, token: str, **body: str) -> None:
    opened = guest.ok(200, guest.post("/api/auth/guest/confirm", {"token": token, **body}))
    guest.user, guest.token = opened["user"], opened["accessToken"]


def order(guest: ApiClient, goods: Goods, quantity: int) -> dict[str, Any]:
    items = {"items": [{"sku": goods.sku, "quantity": quantity}]}
    quote_id = guest.ok(201, guest.post("/api/shop/lock-quote", items))["quoteId"]
    return {
        "quoteId": quote_id,
        "shippingAddress": CONCORD,
        "payment": {"method": "bank_transfer"},
    }


def test_guest_buys_by_a_mailed_link_within_a_limit_and_claims_the_account_later(
    world: World, lone_app: Flask, mailbox: Mailbox
) -> None:
    """Ten silver coins of 52.71, shipped. A gold coin of 4,208.40 needs a verified identity."""
    stall, guest = Stall.open(People(world.database)), ApiClient(lone_app)
    silver, gold = stall.coins(40, metal="AG", fine="0.999"), stall.coins()
    set_prices(world.database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="4000")
    cart_id = guest.ok(201, guest.post("/api/shop/cart"))["id"]
    item = {"sku": silver.sku, "quantity": 3}
    guest.ok(200, guest.post(f"/api/shop/cart/{cart_id}/items", item))
    token = request_link(guest, mailbox, acceptedPolicies=ACCEPTED_POLICIES)
    page = Browser(lone_app).get_page(f"/auth/guest?token={token}")
    assert token in page.visible_text
    sign_in(guest, token, cartId=cart_id)
    assert guest.user["emailConfirmed"] is True
    assert guest.ok(200, guest.post("/api/shop/cart"))["items"][0]["quantity"] == 3
    assert "not valid" in Browser(lone_app).get_page(f"/auth/guest?token={token}").visible_text
    again = {"token": token}
    assert_problem(guest.post("/api/auth/guest/confirm", again), 401, "token_invalid")

    refused = guest.post("/api/shop/checkout", order(guest, gold, 1))
    problem = assert_problem(refused, 409, "kyc_required")
    assert "2,500.00 USD in 30 days" in problem["detail"]
    assert problem["detail"].endswith("Verify your identity to buy more.")
    too_many = {"items": [{"sku": silver.sku, "quantity": 21}]}
    assert_problem(guest.post("/api/shop/lock-quote", too_many), 409, "limit_exceeded")

    placed = guest.ok(201, guest.post("/api/shop/checkout", order(guest, silver, 10)))["order"]
    world.run_jobs_and_webhooks()
    path = f"/api/shop/orders/{placed['id']}"
    payment = guest.ok(200, guest.get(path))["order"]["payment"]
    account = payment["transferTo"]["accountNumber"]
    world.sandbox.call_control(
        "bank", "/arrivals", account_number=account, amount=payment["amount"]
    )
    world.run_jobs_and_webhooks()
    assert guest.ok(200, guest.get(path))["order"]["status"] == "allocated"
    # It was requested for goods, so compliance has nothing to look at.
    assert world.cases("deposit_limit") == []
    visitor = ApiClient(lone_app)
    tracked = visitor.get("/api/shop/orders/track", number=placed["number"], contact=guest.email)
    assert visitor.ok(200, tracked)["order"]["status"] == "allocated"

    unused = request_link(guest, mailbox)
    guest.post("/api/auth/forgot-password", {"email": guest.email})
    run_pending_jobs(world.database)
    reset = {"token": mailbox.latest_token(guest.email), "password": PASSWORD}
    guest.ok(200, guest.post("/api/auth/reset-password", reset))
    guest.sign_in()
    [found] = guest.ok(200, guest.get("/api/shop/orders"))["data"]
    assert found["id"] == placed["id"]
    assert_problem(guest.post("/api/auth/guest/confirm", {"token": unused}), 401, "token_invalid")
    body = {"email": guest.email, "firstName": "Ada", "lastName": "Lovelace"}
    assert_problem(guest.post("/api/auth/guest", body), 409, "email_taken")
    world.assert_everything_agrees()


def test_guest_gets_a_few_links_an_hour_and_moves_nothing_before_accepting_the_terms(
    world: World, lone_app: Flask, mailbox: Mailbox
) -> None:
    guest = ApiClient(lone_app)
    token = request_link(guest, mailbox)
    for _ in range(6):
        request_link(guest, mailbox)
    assert len(mailbox.sent_to(guest.email)) == 5
    sign_in(guest, token)
    deposit = {"method": "card", "asset": "USD", "amount": "5.00", "paymentMethod": "pm_card_visa"}
    refused = guest.post("/api/wallet/deposit", deposit)
    assert refused.json["code"] == "policies_not_accepted"
    for policy in ACCEPTED_POLICIES:
        guest.ok(200, guest.post("/api/me/consents", {**policy, "given": True}))
    assert_problem(guest.post("/api/wallet/deposit", deposit), 409, "kyc_required")
    bad = guest.post("/api/auth/guest", {"email": "a@b@c", "firstName": " ", "lastName": "B"})
    assert_problem(bad, 422, "validation_failed")
