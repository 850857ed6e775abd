"""Conversions over the API, with numbers worked out by hand from the rules in API.md."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from flask import Flask

from app.catalog.rules import Metal
from app.kit import ports as kit_ports
from app.kit.db import Database
from app.pricing import service as pricing
from app.pricing.rules import HaltReason, MarketHours
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.blueprints.api.conftest import MIDS
from tests.people import set_prices
from tests.unchanged_database import database_unchanged

pytestmark = pytest.mark.usefixtures("open_app", "prices")


@pytest.fixture
def customer(open_app: Flask) -> ApiClient:
    """A customer with a balance of every asset."""
    return ApiClient.create_customer(
        open_app,
        USD="100000.00",
        USDC="100000",
        PAXG="10",
        XAU_s="10",
        XAG_s="1000",
        XPT_s="10",
        XPD_s="10",
        XCU_s="100000",
    )


class TestPrices:
    def test_prices_are_public_and_exact(self, open_app: Flask, database: Database) -> None:
        moment = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)
        with time_machine.travel(moment, tick=False):
            set_prices(database, **MIDS)
            response = ApiClient(open_app).get("/api/trade/prices")
        rows = response.json["data"]
        assert [row["metal"] for row in rows] == ["AU", "AG", "PT", "PD", "CU"]
        assert rows[0] == {
            "metal": "AU",
            "asset": "XAU-s",
            "bid": "3992.000000",
            "ask": "4008.000000",
            "mid": "4000.000000",
            "currency": "USD",
            "unit": "ozt",
            "asOf": "2026-03-04T05:06:07.089Z",
            "source": "test",
            "stale": False,
            "marketState": "open",
        }

    def test_prices_can_be_limited_to_one_metal(self, open_app: Flask, database: Database) -> None:
        client = ApiClient(open_app)
        rows = client.ok(200, client.get("/api/trade/prices", asset="CU"))["data"]
        assert [(row["asset"], row["bid"], row["ask"]) for row in rows] == [
            ("XCU-s", "0.397000", "0.403000")
        ]

    @pytest.mark.parametrize("metal", ["au", "XAU-s", "PAXG", "USD", "", "AU,AG"])
    def test_prices_of_an_unknown_metal_are_refused(self, open_app: Flask, metal: str) -> None:
        assert wrong_fields(ApiClient(open_app).get("/api/trade/prices", asset=metal)) == ["asset"]

    def test_price_older_than_60_seconds_is_marked_stale(
        self, open_app: Flask, database: Database
    ) -> None:
        moment = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
        with time_machine.travel(moment, tick=False) as traveller:
            set_prices(database, AU="4000")
            traveller.shift(timedelta(seconds=60))
            fresh = ApiClient(open_app).get("/api/trade/prices", asset="AU")
            traveller.shift(timedelta(milliseconds=1))
            stale = ApiClient(open_app).get("/api/trade/prices", asset="AU")
        assert [response.json["data"][0]["stale"] for response in (fresh, stale)] == [False, True]


#: fromAsset, toAsset and the amount of the request; the expected fromAmount, toAmount, price, fee.
CONVERSIONS = [
    # Buying: fee = half_up(0.5 % of 100.00) = 0.50; 99.50 / 4008 = 0.024825349…
    ("USD", "XAU-s", {"fromAmount": "100"}, "100.00", "0.02482534", "4008.000000", "0.50 USD"),
    # fee 0.615 → 0.62; (123.00 - 0.62) / 4008 = 0.030533932…
    ("USD", "PAXG", {"fromAmount": "123"}, "123.00", "0.03053393", "4008.000000", "0.62 USD"),
    # fee 0.0000005, a half of USDC's last decimal: up
    ("USDC", "XAU-s", {"fromAmount": "0.0001"}, "0.000100", "0.00000002", "4008.000000",
     "0.000001 USDC"),
    ("USDC", "XAU-s", {"fromAmount": "250.5"}, "250.500000", "0.06218750", "4008.000000",
     "1.252500 USDC"),
    # Selling: gross = 1 × 3992; fee 19.96.
    ("XAU-s", "USD", {"fromAmount": "1"}, "1.00000000", "3972.04", "3992.000000", "19.96 USD"),
    # gross = 0.00123456 × 3992 = 4.92836352 → 4.92; fee 0.0246 → 0.02
    ("PAXG", "USD", {"fromAmount": "0.00123456"}, "0.00123456", "4.90", "3992.000000", "0.02 USD"),
    # gross 4.928363; fee 0.024641815 → 0.024642
    ("XAU-s", "USDC", {"fromAmount": "0.00123456"}, "0.00123456", "4.903721", "3992.000000",
     "0.024642 USDC"),
    # Between dollars the fee is in fromAsset.
    ("USD", "USDC", {"fromAmount": "100"}, "100.00", "99.500000", "1", "0.50 USD"),
    # fee = half_up(0.05000045) = 0.050000 at 6 decimals; 9.950090 → 9.95 USD
    ("USDC", "USD", {"fromAmount": "10.00009"}, "10.000090", "9.95", "1", "0.050000 USDC"),
    # Metal to metal: 3992 / 50.2 = 79.52191235…; 0.995 × that, truncated
    ("XAU-s", "XAG-s", {"fromAmount": "1"}, "1.00000000", "79.12430278", "79.52191235",
     "0.00500000 XAU-s"),
    # 49.8 / 4008 = 0.012425149… → 0.01242514; 9.95 × 0.01242514 = 0.123630143
    ("XAG-s", "PAXG", {"fromAmount": "10"}, "10.00000000", "0.12363014", "0.01242514",
     "0.05000000 XAG-s"),
    # Gold to its token: 3992 / 4008 = 0.996007984…
    ("XAU-s", "PAXG", {"fromAmount": "1"}, "1.00000000", "0.99102794", "0.99600798",
     "0.00500000 XAU-s"),
    # 1592 / 1509 = 1.05500331…; 1.99 × that
    ("XPT-s", "XPD-s", {"fromAmount": "2"}, "2.00000000", "2.09945658", "1.05500331",
     "0.01000000 XPT-s"),
    # toAmount: 0.025 × 4008 = 100.20 = 99.5 % of 100.703…; at 100.70 the fee is 0.50.
    ("USD", "XAU-s", {"toAmount": "0.025"}, "100.70", "0.02500000", "4008.000000", "0.50 USD"),
    # Net 100.00 of gross 100.50, fee 0.5025 → 0.50; 100.50 / 3992 = 0.025175350… up
    ("XAU-s", "USD", {"toAmount": "100"}, "0.02517536", "100.00", "3992.000000", "0.50 USD"),
    ("USDC", "USD", {"toAmount": "100"}, "100.502513", "100.00", "1", "0.502513 USDC"),
    # 1 / 79.52191235 / 0.995 = 0.012638345…; the next unit yields one ounce
    ("XAU-s", "XAG-s", {"toAmount": "1"}, "0.01263835", "1.00000000", "79.52191235",
     "0.00006319 XAU-s"),
]  # fmt: skip


class TestQuote:
    @pytest.mark.parametrize(
        ("from_asset", "to_asset", "amount", "from_amount", "to_amount", "price", "fee"),
        CONVERSIONS,
        ids=[f"{row[0]} to {row[1]} {row[2]}" for row in CONVERSIONS],
    )  # fmt: skip
    def test_quote_and_order_have_the_same_exact_amounts(
        self, customer: ApiClient, from_asset: str, to_asset: str, amount: dict[str, str],
        from_amount: str, to_amount: str, price: str, fee: str,
    ) -> None:  # fmt: skip
        body = {"fromAsset": from_asset, "toAsset": to_asset, **amount}
        fee_amount, fee_asset = fee.split()
        expected = {
            "fromAsset": from_asset,
            "toAsset": to_asset,
            "fromAmount": from_amount,
            "toAmount": to_amount,
            "price": price,
            "fee": {"asset": fee_asset, "amount": fee_amount},
        }
        quote = customer.ok(201, customer.post("/api/trade/quote", body))
        order = customer.ok(201, customer.post("/api/trade/order", body))
        filled = customer.ok(201, customer.post("/api/trade/order", {"quoteId": quote["id"]}))
        assert set(quote) == {*expected, "id", "expiresAt"}
        assert set(order) == {*expected, "id", "quoteId", "status", "executedAt"}
        assert (order["quoteId"], filled["quoteId"]) == (None, quote["id"])
        for response in (quote, order, filled):
            assert {name: response[name] for name in expected} == expected

    def test_from_amount_is_the_least_that_yields_the_to_amount(self, customer: ApiClient) -> None:
        for from_asset, to_asset, step in (
            ("USD", "XAU-s", "0.01"),
            ("XAU-s", "USD", "0.00000001"),
            ("XAG-s", "PAXG", "0.00000001"),
            ("USDC", "USD", "0.000001"),
        ):
            body = {"fromAsset": from_asset, "toAsset": to_asset, "toAmount": "1.23"}
            quote = customer.ok(201, customer.post("/api/trade/quote", body))
            scale = len(step.partition(".")[2])
            smaller = int(quote["fromAmount"].replace(".", "")) - 1
            text = f"{smaller // 10**scale}.{smaller % 10**scale:0{scale}}"
            body = {"fromAsset": from_asset, "toAsset": to_asset, "fromAmount": text}
            to_amount = customer.ok(201, customer.post("/api/trade/quote", body))["toAmount"]
            assert Decimal(to_amount) < Decimal("1.23")

    def test_quote_keeps_its_price_when_the_market_moves(
        self, customer: ApiClient, database: Database
    ) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        quote = customer.ok(201, customer.post("/api/trade/quote", body))
        set_prices(database, AU="5000")
        order = customer.ok(201, customer.post("/api/trade/order", {"quoteId": quote["id"]}))
        assert order["toAmount"] == quote["toAmount"]
        unquoted = customer.ok(201, customer.post("/api/trade/order", body))
        assert unquoted["price"] == "5010.000000"

    def test_quote_is_filled_once(self, customer: ApiClient, database: Database) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        quote = customer.ok(201, customer.post("/api/trade/quote", body))
        customer.ok(201, customer.post("/api/trade/order", {"quoteId": quote["id"]}))
        with database_unchanged(database):
            again = customer.post("/api/trade/order", {"quoteId": quote["id"]})
            assert_problem(again, 409, "quote_used")

    def test_quote_is_refused_from_its_expiry(
        self, customer: ApiClient, database: Database
    ) -> None:
        with time_machine.travel(datetime(2026, 3, 4, tzinfo=UTC), tick=False) as traveller:
            customer.sign_in()
            set_prices(database, **MIDS)
            body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
            quote = customer.ok(201, customer.post("/api/trade/quote", body))
            expiry = datetime.fromisoformat(quote["expiresAt"])
            assert timedelta(0) < expiry - datetime.now(UTC) <= timedelta(minutes=2)
            traveller.move_to(expiry)
            with database_unchanged(database):
                late = customer.post("/api/trade/order", {"quoteId": quote["id"]})
                assert_problem(late, 409, "quote_expired")
            traveller.move_to(expiry - timedelta(milliseconds=1))
            customer.ok(201, customer.post("/api/trade/order", {"quoteId": quote["id"]}))

    def test_quote_of_another_customer_or_unknown_is_not_found(
        self, customer: ApiClient, open_app: Flask, database: Database
    ) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        foreign_id = customer.ok(201, customer.post("/api/trade/quote", body))["id"]
        other = ApiClient.create_customer(open_app, USD="1000.00")
        unknown_id = foreign_id[:-1] + ("0" if foreign_id[-1] != "0" else "1")
        problems = []
        with database_unchanged(database):
            for quote_id in (
                foreign_id,
                unknown_id,
                "qt_",
                "",
                "trd" + foreign_id[2:],
                foreign_id.upper(),
                "x" * 5000,
            ):
                response = other.post("/api/trade/order", {"quoteId": quote_id})
                problems.append({**assert_problem(response, 404, "not_found"), "requestId": None})
        assert all(problem == problems[0] for problem in problems[:2])

    def test_amount_that_no_account_can_hold_is_refused(
        self, customer: ApiClient, database: Database
    ) -> None:
        set_prices(database, AU="4000", CU="0.0001")
        for from_asset, to_asset, field, text in (
            ("USD", "USDC", "fromAmount", "9999999999999999"),
            ("USD", "XCU-s", "fromAmount", "9999999999999999.99"),
            ("USDC", "XAU-s", "toAmount", "9999999999"),
            ("XCU-s", "XAU-s", "toAmount", "9999999999"),
        ):
            body = {"fromAsset": from_asset, "toAsset": to_asset, field: text}
            for path in ("/api/trade/quote", "/api/trade/order"):
                with database_unchanged(database):
                    assert wrong_fields(customer.post(path, body)) == [field]

    def test_quote_at_a_price_that_rounds_to_zero_is_refused(
        self, customer: ApiClient, database: Database
    ) -> None:
        set_prices(database, AU="1000000", CU="0.0001")
        for field, text in (("fromAmount", "100"), ("toAmount", "0.00000001")):
            body = {"fromAsset": "XCU-s", "toAsset": "XAU-s", field: text}
            with database_unchanged(database):
                assert wrong_fields(customer.post("/api/trade/quote", body)) == [field]

    def test_small_price_is_a_plain_decimal(self, customer: ApiClient, database: Database) -> None:
        set_prices(database, AU="400000", CU="0.3")
        body = {"fromAsset": "XCU-s", "toAsset": "XAU-s", "fromAmount": "1000"}
        for path in ("/api/trade/quote", "/api/trade/order"):
            assert customer.ok(201, customer.post(path, body))["price"] == "0.00000074"
        assert customer.get("/api/trade/history").json["data"][0]["price"] == "0.00000074"


class TestOrder:
    def test_order_above_the_balance_is_refused(self, open_app: Flask, database: Database) -> None:
        customer = ApiClient.create_customer(open_app, USD="100.00")
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.01"}
        with database_unchanged(database):
            assert_problem(customer.post("/api/trade/order", body), 409, "insufficient_funds")
        customer.ok(201, customer.post("/api/trade/order", {**body, "fromAmount": "100.00"}))
        assert customer.available_balances() == {"XAU-s": "0.02482534"}

    def test_refused_order_leaves_its_quote_usable(
        self, open_app: Flask, database: Database
    ) -> None:
        customer = ApiClient.create_customer(open_app, USD="1.00")
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        quote = customer.ok(201, customer.post("/api/trade/quote", body))
        body = {"quoteId": quote["id"]}
        with database_unchanged(database):
            refused = customer.post("/api/trade/order", body, key="one")
            assert_problem(refused, 409, "insufficient_funds")
        customer.credit(USD="99.00")
        # Refusals are not stored: the same key may succeed later.
        customer.ok(201, customer.post("/api/trade/order", body, key="one"))

    def test_order_above_the_allowed_slippage_is_refused(
        self, customer: ApiClient, database: Database
    ) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        with database_unchanged(database):
            refused = customer.post("/api/trade/order", {**body, "maxSlippageBps": 19})
            assert_problem(refused, 409, "slippage_exceeded")
        customer.ok(201, customer.post("/api/trade/order", {**body, "maxSlippageBps": 20}))

    def test_order_is_refused_at_a_stale_price_or_in_a_halted_market(
        self, customer: ApiClient, database: Database
    ) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        with (
            time_machine.travel(datetime.now(UTC) + timedelta(seconds=90)),
            database_unchanged(database),
        ):
            for path in ("/api/trade/quote", "/api/trade/order"):
                assert_problem(customer.post(path, body), 409, "price_stale")
        quote = customer.ok(201, customer.post("/api/trade/quote", body))
        with database.transaction() as session:
            pricing.halt_market(session, None, Metal.AU, HaltReason.EVENT, note="a test")
        with database_unchanged(database):
            for order in (body, {"quoteId": quote["id"]}):
                refused = customer.post("/api/trade/order", order)
                assert assert_problem(refused, 409, "market_halted")["reason"] == "event"

    @pytest.mark.parametrize(
        ("instant", "reason"),
        [
            ("2027-03-26T15:00:00Z", "holiday"),  # Good Friday
            ("2026-11-26T20:00:00Z", "holiday"),  # the afternoon of Thanksgiving
            ("2026-12-31T23:30:00Z", "holiday"),  # the evening of 31 December
            ("2027-03-20T15:00:00Z", "weekend"),
            ("2027-03-22T21:30:00Z", "daily_break"),
        ],
    )
    def test_order_while_the_market_is_closed_is_refused_with_the_reason(
        self, customer: ApiClient, database: Database, instant: str, reason: str
    ) -> None:
        kit_ports.provide(MarketHours, MarketHours.REAL)
        with time_machine.travel(datetime.fromisoformat(instant), tick=False):
            customer.sign_in()
            set_prices(database, **MIDS)
            body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
            with database_unchanged(database):
                for path in ("/api/trade/quote", "/api/trade/order"):
                    refused = assert_problem(customer.post(path, body), 409, "market_halted")
                    assert refused["reason"] == reason

    def test_repeated_idempotency_key_returns_the_same_bytes(
        self, customer: ApiClient, database: Database
    ) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        first = customer.post("/api/trade/order", body, key="the same")
        with database_unchanged(database):
            again = customer.post("/api/trade/order", dict(reversed(body.items())), key="the same")
        assert first.status_code == again.status_code == 201
        assert first.data == again.data
        assert first.content_type == again.content_type
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert first.headers["X-Request-Id"] != again.headers["X-Request-Id"]

    def test_idempotency_key_belongs_to_one_customer(
        self, customer: ApiClient, open_app: Flask, database: Database
    ) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        other = ApiClient.create_customer(open_app, USD="100.00")
        first = customer.ok(201, customer.post("/api/trade/order", body, key="shared"))
        second = other.ok(201, other.post("/api/trade/order", body, key="shared"))
        assert first["id"] != second["id"]


class TestHistory:
    def test_history_is_paged_newest_first(self, customer: ApiClient, open_app: Flask) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s"}
        orders = [
            customer.ok(
                201, customer.post("/api/trade/order", {**body, "fromAmount": str(dollars)})
            )
            for dollars in range(1, 8)
        ]
        listed: list[object] = []
        cursor: dict[str, str] = {}
        sizes = []
        while True:
            page = customer.ok(200, customer.get("/api/trade/history", limit=3, **cursor))
            sizes.append(len(page["data"]))
            listed += page["data"]
            if page["nextCursor"] is None:
                break
            cursor = {"cursor": page["nextCursor"]}
        assert sizes == [3, 3, 1]
        assert listed == orders[::-1]
        assert [order["id"] for order in orders] == sorted(order["id"] for order in orders)
        other = ApiClient.create_customer(open_app)
        assert other.get("/api/trade/history").json == {"data": [], "nextCursor": None}

    @pytest.mark.parametrize(
        "limit",
        ["0", "-1", "101", "1.0", "1_0", "+5", " 5", "５", "x", "", "9" * 5000],
        ids=lambda limit: repr(limit)[:24],
    )
    def test_history_refuses_an_invalid_limit(self, customer: ApiClient, limit: str) -> None:
        assert wrong_fields(customer.get("/api/trade/history", limit=limit)) == ["limit"]

    @pytest.mark.parametrize(
        "cursor",
        ["", "x", "é", "A" * 22 + "=", "A" * 301, "a\x00b"],
        ids=lambda cursor: repr(cursor)[:26],
    )
    def test_history_refuses_an_unknown_cursor(self, customer: ApiClient, cursor: str) -> None:
        assert wrong_fields(customer.get("/api/trade/history", cursor=cursor)) == ["cursor"]

    def test_history_refuses_unknown_and_repeated_parameters(self, customer: ApiClient) -> None:
        assert wrong_fields(customer.get("/api/trade/history", page="2")) == ["page"]
        twice = customer.send("GET", "/api/trade/history", query_string="limit=1&limit=2")
        assert wrong_fields(twice) == ["limit"]
