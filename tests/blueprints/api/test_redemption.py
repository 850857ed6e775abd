"""Redemption over the API: shapes, wrong input by field, and who may do what."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask

from app.access import Role
from app.catalog.products.rules import ProductForm
from app.catalog.rules import Metal
from app.kit import ids
from tests import sanctions
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.paying_customer import verify_without_evidence
from tests.people import People, set_prices
from tests.shop.stall import Stall
from tests.vault.goods import Goods

REDEEM, QUOTE, VAULT = "/api/redeem", "/api/redeem/quote", "/api/vault/redemptions"
ADDRESS = {"street": "1 Main Street", "city": "Concord", "state": "NH", "zipCode": "03301"}
#: No other test has rounds of palladium.
WANTED = {"asset": "XPD-s", "amount": "1.0", "format": "ROUND"}
SHIPPED = {**WANTED, "shippingAddress": {**ADDRESS, "country": "US"}}


@pytest.fixture
def owner(app: Flask, people: People) -> ApiClient:
    """A customer who may redeem, while the vault has ten rounds of an ounce."""
    sanctions.import_sample_list(people.database)
    stall = Stall.open(people)
    set_prices(people.database, PD="1500")
    sku = stall.range.add(metal=Metal.PD, form=ProductForm.ROUND, gross="1", fineness="0.9995")
    round_ = Goods(people.database, sku, stall.coins(1).location)
    round_.receive(units="10", cost="16000.00", spot="1500")
    client = ApiClient.create_customer(app, XPD_s="5", USD="500")
    verify_without_evidence(people.database, client.user_id)
    return client


@pytest.fixture
def staff(app: Flask, people: People) -> ApiClient:
    return ApiClient.sign_in_staff(app, people.staff(Role.SUPPORT).email)


def test_quote_states_pieces_and_costs_and_takes_other_spellings(owner: ApiClient) -> None:
    quote = owner.ok(200, owner.get(QUOTE, **WANTED))
    [item] = quote["items"]
    assert (item["quantity"], item["ounces"]) == (1, "1.00000000")
    assert {name: quote[name] for name in ("asset", "amount", "format", "fee", "total")} == {
        "asset": "XPD-s", "amount": "1.00000000", "format": "ROUND", "fee": "15.00",
        "total": "33.75",
    }  # fmt: skip
    assert quote["quoteId"].startswith("rdq_")
    assert quote["expiresAt"]
    spelled = {"asset": "PD", "qty": "1", "format": "round"}
    assert owner.ok(200, owner.get(QUOTE, **spelled))["amount"] == "1.00000000"


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({}, ["amount", "asset", "format"]),
        ({**WANTED, "asset": "USD"}, ["asset"]),
        ({**WANTED, "amount": "0"}, ["amount"]),
        ({**WANTED, "amount": "1.000000001"}, ["amount"]),
        ({**WANTED, "format": "TOAST"}, ["format"]),
        ({**WANTED, "qty": "1"}, ["qty"]),
        ({**WANTED, "country": "XX"}, ["country"]),
        ({**WANTED, "pickupBranchId": ids.encode("brn", ids.new())}, ["pickupBranchId"]),
    ],
)
def test_wrong_quote_names_its_field(
    owner: ApiClient, query: Mapping[str, str], fields: list[str]
) -> None:
    assert sorted(wrong_fields(owner.get(QUOTE, **query))) == fields


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["amount", "asset", "format"]),
        (WANTED, ["shippingAddress"]),
        ({**SHIPPED, "pickupBranchId": ids.encode("brn", ids.new())}, ["shippingAddress"]),
        ({**SHIPPED, "quoteId": ids.encode("rdq", ids.new())}, ["asset"]),
        ({**SHIPPED, "strategy": "POST"}, ["strategy"]),
        ({**SHIPPED, "paidIn": "shells"}, ["paidIn"]),
        ({**WANTED, "shippingAddress": ADDRESS}, ["shippingAddress.country"]),
        (
            {**WANTED, "shippingAddress": {**ADDRESS, "country": "US", "state": "Nowhere"}},
            ["shippingAddress.state"],
        ),
    ],
)
def test_wrong_redemption_names_its_field(
    owner: ApiClient, body: dict[str, Any], fields: list[str]
) -> None:
    assert sorted(wrong_fields(owner.post(REDEEM, body))) == fields


def test_redemption_is_followed_from_its_request_to_the_carrier(
    app: Flask, people: People, owner: ApiClient, staff: ApiClient
) -> None:
    quote = owner.ok(200, owner.get(QUOTE, **WANTED))
    body = {"quoteId": quote["quoteId"], "shippingAddress": SHIPPED["shippingAddress"]}
    redemption = owner.ok(201, owner.post(REDEEM, body))["redemption"]
    assert (redemption["status"], redemption["total"]) == ("pending_approval", quote["total"])
    assert redemption["shippingAddress"]["street"] == ADDRESS["street"]
    assert owner.available_balances() == {"XPD-s": "4.00000000", "USD": "466.25"}
    [pending] = [
        each
        for each in staff.ok(200, staff.get(f"{VAULT}/pending", limit=100))["data"]
        if each["id"] == redemption["id"]
    ]
    assert (pending["amount"], pending["value"]) == ("1.00000000", "1500.00")
    approved = staff.ok(200, staff.post(f"{VAULT}/{redemption['id']}/approve", {}))["redemption"]
    assert (approved["status"], approved["customerId"]) == ("approved", owner.user["id"])
    keeper = ApiClient.sign_in_staff(app, people.staff(Role.INVENTORY).email)
    tracking = {"carrier": "fedex", "trackingNumber": "794644790132"}
    shipped = keeper.ok(200, keeper.post(f"{VAULT}/{redemption['id']}/ship", tracking))
    assert shipped["redemption"]["status"] == "shipped"
    shown = owner.ok(200, owner.get(f"{REDEEM}/status/{redemption['id']}"))["redemption"]
    assert [event["status"] for event in shown["history"]] == [
        "pending_approval", "approved", "allocated", "shipped",
    ]  # fmt: skip
    [listed] = owner.ok(200, owner.get(f"{REDEEM}/history"))["data"]
    assert listed == shown


def test_redemption_without_a_quote_is_rejected_with_a_reason_that_staff_alone_read(
    owner: ApiClient, staff: ApiClient
) -> None:
    redemption = owner.ok(201, owner.post(REDEEM, SHIPPED))["redemption"]
    path = f"{VAULT}/{redemption['id']}/reject"
    assert wrong_fields(staff.post(path, {})) == ["reason"]
    reason = "the address is a mail drop"
    assert staff.ok(200, staff.post(path, {"reason": reason}))["redemption"]["status"] == "rejected"
    shown = owner.get(f"{REDEEM}/status/{redemption['id']}")
    assert reason not in shown.text
    assert owner.available_balances() == {"XPD-s": "5.00000000", "USD": "500.00"}


def test_redemption_of_another_person_is_not_there(app: Flask, owner: ApiClient) -> None:
    redemption = owner.ok(201, owner.post(REDEEM, SHIPPED))["redemption"]["id"]
    stranger = ApiClient.create_customer(app)
    assert_problem(stranger.get(f"{REDEEM}/status/{redemption}"), 404, "not_found")
    assert_problem(stranger.post(f"{REDEEM}/{redemption}/cancel"), 404, "not_found")
    assert_problem(stranger.post(f"{VAULT}/{redemption}/approve", {}), 403, "permission_denied")
