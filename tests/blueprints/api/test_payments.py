"""Deposits and withdrawals on the wire: what is wrong is named, and changes nothing."""

from typing import Any

import pytest
from flask import Flask

from app.kit.db import Database
from tests import sanctions
from tests.api_client import ApiClient, assert_problem
from tests.paying_customer import verify_without_evidence
from tests.unchanged_database import database_unchanged

DEPOSIT = {"method": "card", "asset": "USD", "amount": "50.00", "paymentMethod": "pm_card_visa"}
WHERE = {
    "accountHolder": "Ada Lovelace",
    "accountNumber": "000123456789",
    "routingNumber": "110000000",
}
WITHDRAWAL: dict[str, Any] = {
    "method": "bank",
    "asset": "USD",
    "amount": "20.00",
    "destination": WHERE,
}
TOKENS = {"address": "0x" + "ab" * 20, "network": "ETHEREUM"}


@pytest.fixture
def database(open_app: Flask) -> Database:
    database: Database = open_app.extensions["database"]
    return database


@pytest.fixture
def me(open_app: Flask, database: Database) -> ApiClient:
    sanctions.import_sample_list(database)
    made = ApiClient.create_customer(open_app, USD="100.00")
    verify_without_evidence(database, made.user_id)
    return made


@pytest.mark.parametrize(
    ("changed", "field"),
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
)
def test_deposits_that_cannot_be(
    me: ApiClient, database: Database, changed: dict[str, Any], field: str
) -> None:
    with database_unchanged(database):
        answer = me.post("/api/wallet/deposit", DEPOSIT | changed)
    told = assert_problem(answer, 422, "validation_failed")
    assert field in {each["field"] for each in told["errors"]}


def test_a_card_is_named_by_its_token(me: ApiClient, database: Database) -> None:
    asked = {name: value for name, value in DEPOSIT.items() if name != "paymentMethod"}
    with database_unchanged(database):
        told = assert_problem(me.post("/api/wallet/deposit", asked), 422, "validation_failed")
    assert told["errors"] == [
        {"field": "paymentMethod", "message": "Send paymentMethod for the method card."}
    ]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"method": "card"}, "method"),
        ({"asset": "XAU-s"}, "asset"),
        ({"amount": "0.99"}, "amount"),
        ({"destination": {}}, "destination.accountHolder"),
        ({"destination": WHERE | {"accountHolder": "Another Person"}}, "destination.accountHolder"),
        ({"destination": WHERE | {"routingNumber": "123456789"}}, "destination.routingNumber"),
        ({"destination": WHERE | {"iban": "x"}}, "destination.iban"),
        ({"destination": TOKENS}, "destination.address"),
    ],
)
def test_withdrawals_that_cannot_be(
    me: ApiClient, database: Database, changed: dict[str, Any], field: str
) -> None:
    with database_unchanged(database):
        answer = me.post("/api/wallet/withdraw", WITHDRAWAL | changed)
    told = assert_problem(answer, 422, "validation_failed")
    assert field in {each["field"] for each in told["errors"]}


def test_more_than_there_is(me: ApiClient, database: Database) -> None:
    with database_unchanged(database):
        answer = me.post("/api/wallet/withdraw", WITHDRAWAL | {"amount": "100.01"})
    assert_problem(answer, 409, "insufficient_funds")


def test_the_same_key_asks_once(me: ApiClient) -> None:
    first = me.ok(201, me.post("/api/wallet/withdraw", WITHDRAWAL, key="k"))
    again = me.post("/api/wallet/withdraw", WITHDRAWAL, key="k")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == first
    assert me.available_balances() == {"USD": "80.00"}


def test_lists_and_cancelling(me: ApiClient, database: Database) -> None:
    deposits = [
        me.ok(201, me.post("/api/wallet/deposit", DEPOSIT | {"amount": f"{number}.00"}))["deposit"]
        for number in (1, 2, 3)
    ]
    page = me.ok(200, me.get("/api/wallet/deposits", limit=2))
    assert [each["id"] for each in page["data"]] == [each["id"] for each in deposits[:0:-1]]
    rest = me.ok(200, me.get("/api/wallet/deposits", limit=2, cursor=page["nextCursor"]))
    assert rest == {"data": [deposits[0]], "nextCursor": None}
    with database_unchanged(database):
        path = f"/api/wallet/deposits/{deposits[0]['id']}/cancel"
        assert_problem(me.post(path), 409, "not_cancellable")

    made = me.ok(201, me.post("/api/wallet/withdraw", WITHDRAWAL))["withdrawal"]
    assert made["status"] == "approved"
    assert made["destination"] == "account ending 6789"
    path = f"/api/wallet/withdrawals/{made['id']}"
    cancelled = me.ok(200, me.post(f"{path}/cancel"))["withdrawal"]
    assert cancelled["status"] == "cancelled"
    assert me.ok(200, me.get(path))["withdrawal"] == cancelled
    assert me.ok(200, me.get("/api/wallet/withdrawals"))["data"] == [cancelled]
    assert me.available_balances() == {"USD": "100.00"}
    with database_unchanged(database):
        assert_problem(me.post(f"{path}/cancel"), 409, "not_cancellable")


def test_another_s_are_not_there(me: ApiClient, open_app: Flask) -> None:
    deposit = me.ok(201, me.post("/api/wallet/deposit", DEPOSIT))["deposit"]["id"]
    withdrawal = me.ok(201, me.post("/api/wallet/withdraw", WITHDRAWAL))["withdrawal"]["id"]
    other = ApiClient.create_customer(open_app)
    for path in (f"/api/wallet/deposits/{deposit}", f"/api/wallet/withdrawals/{withdrawal}"):
        assert_problem(other.get(path), 404, "not_found")
        assert_problem(other.post(f"{path}/cancel"), 404, "not_found")
