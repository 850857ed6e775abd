"""Buying goods over HTTP: lock, preview, checkout by metal and balance, and all that follows."""

from datetime import timedelta

from app.books import queries as books_queries
from app.books.periods import BooksPeriod, ComparedPeriod
from app.kit import clock
from app.kit.db import SNAPSHOT, Database
from app.reconciliation.invariants import find_violations
from tests.api_client import assert_problem
from tests.journeys.world import World
from tests.people import People
from tests.shop.stall import Stall

_ADDRESS = {
    "country": "US",
    "recipient": "Ada Lovelace",
    "street": "1 Beacon Street",
    "city": "Boston",
    "state": "MA",
    "zipCode": "02108",
}


def income(database: Database) -> dict[str, str]:
    """Return the lines of the income statement of today that are not zero."""
    now = clock.now()
    with database.transaction(SNAPSHOT) as session:
        [everything] = [each for each in books_queries.list_scopes(session) if each.key == "all"]
        statement = books_queries.read_statement(
            session,
            everything,
            BooksPeriod(now - timedelta(days=1), now + timedelta(seconds=1)),
            ComparedPeriod.NONE,
        ).income_statement
    assert statement is not None
    lines = (*statement.income.lines, *statement.expenses.lines)
    return {line.name: str(line.amounts[0]) for line in lines if line.amounts[0]}


def test_customer_buys_a_coin_home_and_another_into_the_vault(world: World) -> None:
    """Two gold coins of 4,208.40, exempt in Massachusetts: one shipped, paid by an ounce of metal
    and dollars, and one kept in New Hampshire, paid by dollars."""
    stall = Stall.open(People(world.database))
    coins, me = stall.coins(3), world.me
    me.register()
    me.credit(USD="6000.00", XAU_s="1")
    items = {"items": [{"sku": coins.sku, "quantity": 1}]}
    quote = me.ok(201, me.post("/api/shop/lock-quote", items))["quoteId"]
    body = {
        "quoteId": quote,
        "shippingAddress": _ADDRESS,
        "payments": [{"method": "metal", "asset": "XAU-s", "amount": "1"}, {"method": "balance"}],
    }
    shown = me.ok(200, me.post("/api/shop/checkout/preview", body))
    # 9.95 for a light parcel, 10.52 for insurance of a quarter percent.
    assert [shown[name] for name in ("tax", "shipping", "insurance", "total")] == [
        "0.00", "9.95", "10.52", "4228.87",
    ]  # fmt: skip
    assert [each["amount"] for each in shown["payments"]] == ["1.00000000", "236.87"]
    short = {**body, "payments": [{"method": "balance", "amount": "4228.86"}]}
    refused = me.post("/api/shop/checkout", short)
    assert_problem(refused, 422, "validation_failed")
    assert [each["field"] for each in refused.json["errors"]] == ["payments.0.amount"]

    first = me.post("/api/shop/checkout", body, key="buy-1")
    order = me.ok(201, first)["order"]
    assert (order["status"], order["total"], order["destination"]) == (
        "allocated", "4228.87", "ship",
    )  # fmt: skip
    again = me.post("/api/shop/checkout", body, key="buy-1")
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    assert_problem(me.post("/api/shop/checkout", body), 409, "quote_used")
    kept_quote = me.ok(201, me.post("/api/shop/lock-quote", items))["quoteId"]
    kept = {"quoteId": kept_quote, "destination": "vault", "payment": {"method": "balance"}}
    me.ok(201, me.post("/api/shop/checkout", kept))
    assert me.available_balances() == {"USD": "1554.73"}

    orders = me.ok(200, me.get("/api/shop/orders"))["data"]
    assert [each["destination"] for each in orders] == ["vault", "ship"]
    assert me.ok(200, me.get(f"/api/shop/orders/{order['id']}"))["order"] == order
    assert orders[1]["shippingAddress"]["zipCode"] == "02108"
    movements = me.ok(200, me.get("/api/wallet/transactions", kind="purchase"))["data"]
    assert [(each["asset"], each["amount"]) for each in movements] == [
        ("USD", "-4208.40"), ("XAU-s", "-1.00000000"), ("USD", "-236.87"),
    ]  # fmt: skip
    world.run_jobs_and_webhooks()
    subjects = [each["subject"] for each in me.ok(200, me.get("/api/messages"))["data"]]
    assert f"Your order {order['number']} is paid" in subjects

    # Two premiums of 200.40, two coins that cost 100.00 above their metal, the spread of an ounce.
    assert income(world.database) == {
        "Sales of goods, above their metal": "400.80",
        "Cost of goods sold, above their metal": "200.00",
        "Shipping that customers paid": "9.95",
        "Insurance of shipped goods that customers paid": "10.52",
        "Spread between mid and the price given": "8.00",
    }
    assert stall.units(coins) == {"available": 1, "allocated": 2}
    with world.database.reading() as session:
        assert find_violations(session) == []
