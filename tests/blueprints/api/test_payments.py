"""Deposits and withdrawals over the API: refusals name the field and change nothing."""

from typing import Any

import pytest
from flask import Flask

from app.kit.db import Database
from tests.api_client import ApiClient, assert_problem
from tests.paying_customer import verify_without_evidence
from tests.unchanged_database import database_unchanged

DEPOSIT = {"method": "card", "asset": "USD", "amount": "50.00", "paymentMethod": "pm_card_visa"}
BANK_ACCOUNT = {
    "accountHolder": "Ada Lovelace",
    "accountNumber": "000123456789",
    "routingNumber": "110000000",
}
WITHDRAWAL: dict[str, Any] = {
    "method": "bank",
    "asset": "USD",
    "amount": "20.00",
    "destination": BANK_ACCOUNT,
}
WALLET_ADDRESS = {"address": "0x" + "ab" * 20, "network": "ETHEREUM"}


@pytest.fixture
def customer(open_app: Flask, database: Database, sanctions_list: None) -> ApiClient:
    customer = ApiClient.create_customer(open_app, USD="100.00")
    verify_without_evidence(database, customer.user_id)
    return customer


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method": "cash"}, "method"),
        ({"asset": "PAXG"}, "asset"),
        ({"amount": "0.001"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "10000.01"}, "amount"),
        ({"amount": 5}, "amount"),
        ({"paymentMethod": ""}, "paymentMethod"),
        ({"phone": "+12025550123"}, "phone"),
        ({"cardNumber": "4242424242424242"}, "cardNumber"),
    ],
    ids=str,
)
def test_invalid_deposit_names_the_field_and_changes_nothing(
    customer: ApiClient, database: Database, changes: dict[str, Any], field: str
) -> None:
    with database_unchanged(database):
        response = customer.post("/api/wallet/deposit", DEPOSIT | changes)
    problem = assert_problem(response, 422, "validation_failed")
    assert field in {error["field"] for error in problem["errors"]}


@pytest.mark.parametrize("phone", ["hello", "0812345678", "+12025550123"])
def test_mobile_money_needs_a_mobile_phone_in_kenya(
    customer: ApiClient, database: Database, phone: str
) -> None:
    body = {"method": "mobile_money", "asset": "USD", "amount": "20.00"}
    with database_unchanged(database):
        responses = [
            customer.post("/api/wallet/deposit", {**body, "phone": phone}),
            customer.post("/api/wallet/withdraw", {**body, "destination": {"phone": phone}}),
        ]
    for response, field in zip(responses, ("phone", "destination.phone"), strict=True):
        assert assert_problem(response, 422, "validation_failed")["errors"] == [
            {"field": field, "message": "Enter a mobile phone number in Kenya, like 0712345678."}
        ]


def test_phone_of_a_profile_may_be_as_dialled_where_the_person_lives(customer: ApiClient) -> None:
    response = customer.send("PATCH", "/api/me", json={"phone": "(202) 555-0123"})
    assert customer.ok(200, response)["phone"] == "+12025550123"


def test_card_deposit_without_payment_method_is_refused(
    customer: ApiClient, database: Database
) -> None:
    body = {name: value for name, value in DEPOSIT.items() if name != "paymentMethod"}
    with database_unchanged(database):
        response = customer.post("/api/wallet/deposit", body)
    problem = assert_problem(response, 422, "validation_failed")
    assert problem["errors"] == [
        {"field": "paymentMethod", "message": "Send paymentMethod for the method card."}
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method": "card"}, "method"),
        ({"asset": "XAU-s"}, "asset"),
        ({"amount": "0.99"}, "amount"),
        ({"destination": {}}, "destination.accountHolder"),
        (
            {"destination": BANK_ACCOUNT | {"accountHolder": "Another Person"}},
            "destination.accountHolder",
        ),
        (
            {"destination": BANK_ACCOUNT | {"routingNumber": "000000000"}},
            "destination.routingNumber",
        ),
        ({"destination": BANK_ACCOUNT | {"iban": "x"}}, "destination.iban"),
        ({"destination": WALLET_ADDRESS}, "destination.address"),
    ],
    ids=str,
)
def test_invalid_withdrawal_names_the_field_and_changes_nothing(
    customer: ApiClient, database: Database, changes: dict[str, Any], field: str
) -> None:
    with database_unchanged(database):
        response = customer.post("/api/wallet/withdraw", WITHDRAWAL | changes)
    problem = assert_problem(response, 422, "validation_failed")
    assert field in {error["field"] for error in problem["errors"]}


def test_fee_is_stated_before_it_is_agreed_to_and_in_the_response(
    customer: ApiClient, database: Database
) -> None:
    listed = customer.ok(200, customer.get("/api/wallet/methods"))["data"]
    bank = {"direction": "withdrawal", "method": "bank", "asset": "USD"}
    assert (
        bank
        | {"fixedFee": "0.25", "feeBps": 0, "minUsd": "1.00", "maxUsd": None, "withheldDays": 0}
        in listed
    )
    quote = customer.ok(200, customer.get("/api/wallet/fee", **bank, amount="20.00"))
    assert quote == bank | {"amount": "20.00", "fee": "0.25", "receives": "19.75"}
    with database_unchanged(database):
        response = customer.post("/api/wallet/withdraw", WITHDRAWAL | {"maxFee": "0"})
        assert_problem(response, 409, "fee_changed")
        response = customer.post("/api/wallet/withdraw", WITHDRAWAL | {"maxFee": "0.255"})
        assert_problem(response, 422, "validation_failed")
    response = customer.post("/api/wallet/withdraw", WITHDRAWAL | {"maxFee": quote["fee"]})
    withdrawal = customer.ok(201, response)["withdrawal"]
    assert (withdrawal["amount"], withdrawal["fee"], withdrawal["receives"]) == (
        "20.00", "0.25", "19.75",
    )  # fmt: skip
    deposit = customer.ok(201, customer.post("/api/wallet/deposit", DEPOSIT))["deposit"]
    assert (deposit["amount"], deposit["fee"], deposit["receives"]) == ("50.00", "1.75", "48.25")


def test_withdrawal_above_the_balance_is_refused(customer: ApiClient, database: Database) -> None:
    with database_unchanged(database):
        response = customer.post("/api/wallet/withdraw", WITHDRAWAL | {"amount": "100.01"})
    assert_problem(response, 409, "insufficient_funds")


def test_repeated_idempotency_key_withdraws_once(customer: ApiClient) -> None:
    first = customer.ok(201, customer.post("/api/wallet/withdraw", WITHDRAWAL, key="k"))
    again = customer.post("/api/wallet/withdraw", WITHDRAWAL, key="k")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == first
    assert customer.available_balances() == {"USD": "80.00"}


def test_payments_are_paged_newest_first_and_cancelled_once(
    customer: ApiClient, database: Database
) -> None:
    deposits = [
        customer.ok(
            201, customer.post("/api/wallet/deposit", DEPOSIT | {"amount": f"{number}.00"})
        )["deposit"]
        for number in (1, 2, 3)
    ]
    page = customer.ok(200, customer.get("/api/wallet/deposits", limit=2))
    assert [deposit["id"] for deposit in page["data"]] == [
        deposit["id"] for deposit in deposits[:0:-1]
    ]
    rest = customer.ok(
        200, customer.get("/api/wallet/deposits", limit=2, cursor=page["nextCursor"])
    )
    assert rest == {"data": [deposits[0]], "nextCursor": None}
    path = f"/api/wallet/deposits/{deposits[0]['id']}/cancel"
    assert customer.ok(200, customer.post(path))["deposit"]["status"] == "cancelled"
    with database_unchanged(database):
        assert_problem(customer.post(path), 409, "not_cancellable")

    withdrawal = customer.ok(201, customer.post("/api/wallet/withdraw", WITHDRAWAL))["withdrawal"]
    assert withdrawal["status"] == "approved"
    assert withdrawal["destination"] == "account ending 6789"
    path = f"/api/wallet/withdrawals/{withdrawal['id']}"
    cancelled = customer.ok(200, customer.post(f"{path}/cancel"))["withdrawal"]
    assert cancelled["status"] == "cancelled"
    assert customer.ok(200, customer.get(path))["withdrawal"] == cancelled
    assert customer.ok(200, customer.get("/api/wallet/withdrawals"))["data"] == [cancelled]
    assert customer.available_balances() == {"USD": "100.00"}
    with database_unchanged(database):
        assert_problem(customer.post(f"{path}/cancel"), 409, "not_cancellable")


def test_limits_show_what_is_left_of_them(customer: ApiClient, database: Database) -> None:
    customer.ok(201, customer.post("/api/wallet/deposit", DEPOSIT | {"amount": "9999.00"}))
    limits = {
        each["name"]: each for each in customer.ok(200, customer.get("/api/wallet/limits"))["data"]
    }
    assert limits["card_day"] == {
        "name": "card_day",
        "title": "Card payments in 24 hours",
        "asset": "USD",
        "maximum": "10000.00",
        "left": "1.00",
        "freesAt": None,
    }
    assert (limits["payouts_day"]["asset"], limits["payouts_day"]["left"]) == (None, "10")
    tier = customer.ok(200, customer.get("/api/kyc/status"))["limits"]
    assert tier["depositsLeft"] == {"asset": "USD", "amount": "240001.00"}
    assert tier["withdrawalsLeft"] == {"asset": "USD", "amount": "250000.00"}
    with database_unchanged(database):
        response = customer.post("/api/wallet/deposit", DEPOSIT | {"amount": "1.01"})
    limit = assert_problem(response, 409, "limit_exceeded")["limit"]
    frees_at = limit.pop("freesAt")
    assert limit == {"name": "card_day", "asset": "USD", "maximum": "10000.00", "left": "1.00"}
    customer.ok(201, customer.post("/api/wallet/deposit", DEPOSIT | {"amount": "1.00"}))
    limits = customer.ok(200, customer.get("/api/wallet/limits"))["data"]
    assert [each["freesAt"] for each in limits if each["name"] == "card_day"] == [frees_at]


def test_payments_of_another_customer_are_not_found(customer: ApiClient, open_app: Flask) -> None:
    deposit = customer.ok(201, customer.post("/api/wallet/deposit", DEPOSIT))["deposit"]["id"]
    response = customer.post("/api/wallet/withdraw", WITHDRAWAL)
    withdrawal = customer.ok(201, response)["withdrawal"]["id"]
    other = ApiClient.create_customer(open_app)
    for path in (f"/api/wallet/deposits/{deposit}", f"/api/wallet/withdrawals/{withdrawal}"):
        assert_problem(other.get(path), 404, "not_found")
        assert_problem(other.post(f"{path}/cancel"), 404, "not_found")
