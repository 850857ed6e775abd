"""Price locks over the API."""

import pytest
from flask import Flask

from app.kit import ids
from app.kit.db import Database
from app.shop.locks.models import PriceLockRow
from app.shop.locks.rules import LOCK_PREFIX, LockSettings, LockStatus
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.fixed_settings import fixed_settings
from tests.people import People
from tests.rows import change_rows
from tests.shop.sales_range import SalesRange, tier

_LOCK = "/api/shop/lock-quote"

pytestmark = pytest.mark.usefixtures("open_app", "prices")


def test_lock_sent_again_is_the_same_lock_with_the_same_end(
    database: Database, people: People, customer: ApiClient, open_app: Flask
) -> None:
    goods = SalesRange(database)
    sku = goods.add(tier("5"), fine="1")
    shelf = goods.stock(people, sku, 3)
    body = {"items": [{"sku": sku, "quantity": 2}]}
    first = customer.ok(201, customer.post(_LOCK, body, key="lock-1"))
    assert first["items"] == [
        {"sku": sku, "quantity": 2, "unitPrice": "4208.40", "total": "8416.80"}
    ]
    assert first["total"] == "8416.80"
    assert customer.ok(201, customer.post(_LOCK, body, key="lock-1")) == first
    assert shelf.free() == 1
    path = f"{_LOCK}/{first['quoteId']}"
    stranger = ApiClient.create_customer(open_app)
    assert_problem(stranger.send("DELETE", path), 404, "not_found")
    for _ in range(2):
        assert customer.send("DELETE", path).status_code == 204
    assert shelf.free() == 3


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["items"]),
        ({"items": []}, ["items"]),
        ({"items": [{"sku": "A"}]}, ["items.0.quantity"]),
        ({"items": [{"sku": "A", "quantity": 0}]}, ["items.0.quantity"]),
        ({"items": [{"sku": "A", "quantity": 1.5}]}, ["items.0.quantity"]),
        ({"items": [{"sku": "A", "quantity": "1"}]}, ["items.0.quantity"]),
        ({"items": [{"sku": "A" * 25, "quantity": 1}]}, ["items.0.sku"]),
        ({"items": [{"sku": "A", "quantity": 1, "price": "1"}]}, ["items.0.price"]),
        (
            {"items": [{"sku": "AA-1", "quantity": 1}, {"sku": "aa-1", "quantity": 1}]},
            ["items.1.sku"],
        ),
        ({"items": [{"sku": "A", "quantity": 1}] * 51}, ["items"]),
        ({"items": "A"}, ["items"]),
        ({"items": [{"sku": "A", "quantity": 1}], "pickupBranchId": 5}, ["pickupBranchId"]),
    ],
)
def test_request_that_says_no_goods_is_refused_naming_the_field(
    customer: ApiClient, body: dict[str, object], fields: list[str]
) -> None:
    assert wrong_fields(customer.post(_LOCK, body)) == fields


def test_goods_are_not_kept_by_locking_them_again_and_again(
    database: Database, people: People, customer: ApiClient
) -> None:
    goods = SalesRange(database)
    sku = goods.add(tier("5"))
    shelf = goods.stock(people, sku, 1)
    body = {"items": [{"sku": sku, "quantity": 1}]}
    with fixed_settings(LockSettings(unused_per_hour=2)):
        for _ in range(2):
            quote = customer.ok(201, customer.post(_LOCK, body))["quoteId"]
            customer.send("DELETE", f"{_LOCK}/{quote}")
        refused = customer.post(_LOCK, body)
        assert_problem(refused, 429, "rate_limited")
        assert 3500 < int(refused.headers["Retry-After"]) <= 3600
        assert shelf.free() == 1
        with database.transaction() as session:
            change_rows(
                session, PriceLockRow, PriceLockRow.id == ids.decode(LOCK_PREFIX, quote),
                status=LockStatus.USED, voided_reason=None, checkout_id=ids.new(),
            )  # fmt: skip
        customer.ok(201, customer.post(_LOCK, body))


def test_line_that_cannot_be_locked_is_named(
    database: Database, people: People, customer: ApiClient
) -> None:
    goods = SalesRange(database)
    sku = goods.add(tier("5"))
    goods.stock(people, sku, 1)
    wanted = [{"sku": sku, "quantity": 1}, {"sku": "NO-SUCH-COIN", "quantity": 1}]
    unknown = customer.post(_LOCK, {"items": wanted})
    assert_problem(unknown, 409, "not_for_sale")
    assert [each["field"] for each in unknown.json["errors"]] == ["items.1.sku"]
    short = customer.post(_LOCK, {"items": [{"sku": sku, "quantity": 2}]})
    assert_problem(short, 409, "insufficient_stock")
    assert short.json["errors"] == [
        {
            "field": "items.0.quantity",
            "message": f"Only 1 unit of {sku} is free. Choose fewer.",
        }
    ]
