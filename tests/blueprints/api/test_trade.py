"""Conversions over HTTP, with numbers worked out by hand from API.md's rules."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from app.kit.db import Database
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.people import set_prices
from tests.unchanged_database import database_unchanged

#: Mids whose bid and ask are round: 40 bps around 4000 are 3992 and 4008.
MIDS = {"AU": "4000", "AG": "50", "PT": "1600", "PD": "1500", "CU": "0.4", "PAXG": "4000"}


@pytest.fixture
def database(open_app: Flask) -> Database:
    database: Database = open_app.extensions["database"]
    set_prices(database, **MIDS)
    return database


@pytest.fixture
def rich(open_app: Flask, database: Database) -> ApiClient:
    """A customer with some of everything."""
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
    def test_are_public_and_exact(self, open_app: Flask, database: Database) -> None:
        moment = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)
        with time_machine.travel(moment, tick=False):
            set_prices(database, **MIDS)
            answer = ApiClient(open_app).get("/api/trade/prices")
        rows = answer.json["data"]
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

    def test_of_one_metal(self, open_app: Flask, database: Database) -> None:
        asked = ApiClient(open_app)
        rows = asked.ok(200, asked.get("/api/trade/prices", asset="CU"))["data"]
        assert [(row["asset"], row["bid"], row["ask"]) for row in rows] == [
            ("XCU-s", "0.397000", "0.403000")
        ]

    @pytest.mark.parametrize("metal", ["au", "XAU-s", "PAXG", "USD", "", "AU,AG"])
    def test_of_no_metal(self, open_app: Flask, metal: str) -> None:
        assert wrong_fields(ApiClient(open_app).get("/api/trade/prices", asset=metal)) == ["asset"]

    def test_show_when_they_are_stale(self, open_app: Flask, database: Database) -> None:
        moment = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
        with time_machine.travel(moment, tick=False) as traveller:
            set_prices(database, AU="4000")
            traveller.shift(timedelta(seconds=60))
            fresh = ApiClient(open_app).get("/api/trade/prices", asset="AU")
            traveller.shift(timedelta(milliseconds=1))
            stale = ApiClient(open_app).get("/api/trade/prices", asset="AU")
        assert [answer.json["data"][0]["stale"] for answer in (fresh, stale)] == [False, True]


# fromAsset, toAsset, the amount asked, then fromAmount, toAmount, price and fee as they must be.
EXACT = [
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
    # Both dollars: the fee in what is given.
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
        ("give", "get", "asked", "given", "received", "price", "fee"), EXACT,
        ids=[f"{row[0]} to {row[1]} {row[2]}" for row in EXACT],
    )  # fmt: skip
    def test_and_order_say_the_same_exact_numbers(
        self, rich: ApiClient, give: str, get: str, asked: dict[str, str],
        given: str, received: str, price: str, fee: str,
    ) -> None:  # fmt: skip
        body = {"fromAsset": give, "toAsset": get, **asked}
        amount, asset = fee.split()
        expected = {
            "fromAsset": give,
            "toAsset": get,
            "fromAmount": given,
            "toAmount": received,
            "price": price,
            "fee": {"asset": asset, "amount": amount},
        }
        quote = rich.ok(201, rich.post("/api/trade/quote", body))
        order = rich.ok(201, rich.post("/api/trade/order", body))
        filled = rich.ok(201, rich.post("/api/trade/order", {"quoteId": quote["id"]}))
        assert set(quote) == {*expected, "id", "expiresAt"}
        assert set(order) == {*expected, "id", "quoteId", "status", "executedAt"}
        assert (order["quoteId"], filled["quoteId"]) == (None, quote["id"])
        for answer in (quote, order, filled):
            assert {name: answer[name] for name in expected} == expected

    def test_the_least_is_asked_for_what_is_to_be_received(self, rich: ApiClient) -> None:
        for give, get, step in (
            ("USD", "XAU-s", "0.01"),
            ("XAU-s", "USD", "0.00000001"),
            ("XAG-s", "PAXG", "0.00000001"),
            ("USDC", "USD", "0.000001"),
        ):
            body = {"fromAsset": give, "toAsset": get, "toAmount": "1.23"}
            quote = rich.ok(201, rich.post("/api/trade/quote", body))
            scale = len(step.partition(".")[2])
            less = int(quote["fromAmount"].replace(".", "")) - 1
            text = f"{less // 10**scale}.{less % 10**scale:0{scale}}"
            worse = {"fromAsset": give, "toAsset": get, "fromAmount": text}
            got = rich.ok(201, rich.post("/api/trade/quote", worse))["toAmount"]
            assert float(got) < 1.23

    def test_keeps_its_price_until_it_expires(self, rich: ApiClient, database: Database) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        quote = rich.ok(201, rich.post("/api/trade/quote", body))
        set_prices(database, AU="5000")
        order = rich.ok(201, rich.post("/api/trade/order", {"quoteId": quote["id"]}))
        assert order["toAmount"] == quote["toAmount"]
        now = rich.ok(201, rich.post("/api/trade/order", body))
        assert now["price"] == "5010.000000"

    def test_is_filled_once(self, rich: ApiClient, database: Database) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        quote = rich.ok(201, rich.post("/api/trade/quote", body))
        rich.ok(201, rich.post("/api/trade/order", {"quoteId": quote["id"]}))
        with database_unchanged(database):
            again = rich.post("/api/trade/order", {"quoteId": quote["id"]})
            assert_problem(again, 409, "quote_used")

    def test_expires(self, rich: ApiClient, database: Database) -> None:
        with time_machine.travel(datetime(2026, 3, 4, tzinfo=UTC), tick=False) as traveller:
            rich.sign_in()
            set_prices(database, **MIDS)
            body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
            quote = rich.ok(201, rich.post("/api/trade/quote", body))
            until = datetime.fromisoformat(quote["expiresAt"])
            assert timedelta(0) < until - datetime.now(UTC) <= timedelta(minutes=2)
            traveller.move_to(until)
            with database_unchanged(database):
                late = rich.post("/api/trade/order", {"quoteId": quote["id"]})
                assert_problem(late, 409, "quote_expired")
            traveller.move_to(until - timedelta(milliseconds=1))
            rich.ok(201, rich.post("/api/trade/order", {"quoteId": quote["id"]}))

    def test_of_another_or_of_nobody_is_not_found(
        self, rich: ApiClient, open_app: Flask, database: Database
    ) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        mine = rich.ok(201, rich.post("/api/trade/quote", body))["id"]
        stranger = ApiClient.create_customer(open_app, USD="1000.00")
        unknown = mine[:-1] + ("0" if mine[-1] != "0" else "1")
        told = []
        with database_unchanged(database):
            for quote_id in (mine, unknown, "qt_", "", "trd" + mine[2:], mine.upper(), "x" * 5000):
                answer = stranger.post("/api/trade/order", {"quoteId": quote_id})
                told.append({**assert_problem(answer, 404, "not_found"), "requestId": None})
        assert all(body == told[0] for body in told[:2])

    def test_of_amounts_that_no_account_could_hold(
        self, rich: ApiClient, database: Database
    ) -> None:
        set_prices(database, AU="4000", CU="0.0001")
        for give, get, field, text in (
            ("USD", "USDC", "fromAmount", "9999999999999999"),
            ("USD", "XCU-s", "fromAmount", "9999999999999999.99"),
            ("USDC", "XAU-s", "toAmount", "9999999999"),
            ("XCU-s", "XAU-s", "toAmount", "9999999999"),
        ):
            body = {"fromAsset": give, "toAsset": get, field: text}
            for path in ("/api/trade/quote", "/api/trade/order"):
                with database_unchanged(database):
                    assert wrong_fields(rich.post(path, body)) == [field]

    def test_at_a_price_that_rounds_to_nothing(self, rich: ApiClient, database: Database) -> None:
        set_prices(database, AU="1000000", CU="0.0001")
        for field, text in (("fromAmount", "100"), ("toAmount", "0.00000001")):
            body = {"fromAsset": "XCU-s", "toAsset": "XAU-s", field: text}
            with database_unchanged(database):
                assert wrong_fields(rich.post("/api/trade/quote", body)) == [field]

    def test_small_prices_are_plain_decimals(self, rich: ApiClient, database: Database) -> None:
        set_prices(database, AU="400000", CU="0.3")
        body = {"fromAsset": "XCU-s", "toAsset": "XAU-s", "fromAmount": "1000"}
        for path in ("/api/trade/quote", "/api/trade/order"):
            assert rich.ok(201, rich.post(path, body))["price"] == "0.00000074"
        assert rich.get("/api/trade/history").json["data"][0]["price"] == "0.00000074"


class TestOrder:
    def test_takes_what_is_there_and_no_more(self, open_app: Flask, database: Database) -> None:
        poor = ApiClient.create_customer(open_app, USD="100.00")
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.01"}
        with database_unchanged(database):
            assert_problem(poor.post("/api/trade/order", body), 409, "insufficient_funds")
        poor.ok(201, poor.post("/api/trade/order", {**body, "fromAmount": "100.00"}))
        assert poor.available_balances() == {"XAU-s": "0.02482534"}

    def test_a_refused_order_leaves_its_quote_usable(
        self, open_app: Flask, database: Database
    ) -> None:
        poor = ApiClient.create_customer(open_app, USD="1.00")
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        quote = poor.ok(201, poor.post("/api/trade/quote", body))
        asked = {"quoteId": quote["id"]}
        with database_unchanged(database):
            refused = poor.post("/api/trade/order", asked, key="one")
            assert_problem(refused, 409, "insufficient_funds")
        poor.credit(USD="99.00")
        # Refusals are not stored: the same key may succeed later.
        poor.ok(201, poor.post("/api/trade/order", asked, key="one"))

    def test_minds_slippage(self, rich: ApiClient, database: Database) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        with database_unchanged(database):
            tight = rich.post("/api/trade/order", {**body, "maxSlippageBps": 19})
            assert_problem(tight, 409, "slippage_exceeded")
        rich.ok(201, rich.post("/api/trade/order", {**body, "maxSlippageBps": 20}))

    def test_needs_a_fresh_price_and_an_open_market(
        self, rich: ApiClient, database: Database
    ) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        with (
            time_machine.travel(datetime.now(UTC) + timedelta(seconds=90)),
            database_unchanged(database),
        ):
            for path in ("/api/trade/quote", "/api/trade/order"):
                assert_problem(rich.post(path, body), 409, "price_stale")
        quote = rich.ok(201, rich.post("/api/trade/quote", body))
        with database.transaction() as session:
            session.send("UPDATE market_prices SET halted = true, halted_reason = 'a test'")
        with database_unchanged(database):
            for asked in (body, {"quoteId": quote["id"]}):
                assert_problem(rich.post("/api/trade/order", asked), 409, "market_halted")

    def test_a_repeated_key_gives_the_same_bytes(self, rich: ApiClient, database: Database) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        first = rich.post("/api/trade/order", body, key="the same")
        with database_unchanged(database):
            again = rich.post("/api/trade/order", dict(reversed(body.items())), key="the same")
        assert first.status_code == again.status_code == 201
        assert first.data == again.data
        assert first.content_type == again.content_type
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert first.headers["X-Request-Id"] != again.headers["X-Request-Id"]

    def test_a_key_belongs_to_one_person(
        self, rich: ApiClient, open_app: Flask, database: Database
    ) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100"}
        other = ApiClient.create_customer(open_app, USD="100.00")
        mine = rich.ok(201, rich.post("/api/trade/order", body, key="shared"))
        theirs = other.ok(201, other.post("/api/trade/order", body, key="shared"))
        assert mine["id"] != theirs["id"]


class TestHistory:
    def test_comes_in_pages_newest_first(self, rich: ApiClient, open_app: Flask) -> None:
        body = {"fromAsset": "USD", "toAsset": "XAU-s"}
        made = [
            rich.ok(201, rich.post("/api/trade/order", {**body, "fromAmount": str(dollars)}))
            for dollars in range(1, 8)
        ]
        seen: list[object] = []
        cursor: dict[str, str] = {}
        sizes = []
        while True:
            page = rich.ok(200, rich.get("/api/trade/history", limit=3, **cursor))
            sizes.append(len(page["data"]))
            seen += page["data"]
            if page["nextCursor"] is None:
                break
            cursor = {"cursor": page["nextCursor"]}
        assert sizes == [3, 3, 1]
        assert seen == made[::-1]
        assert [order["id"] for order in made] == sorted(order["id"] for order in made)
        stranger = ApiClient.create_customer(open_app)
        assert stranger.get("/api/trade/history").json == {"data": [], "nextCursor": None}

    @pytest.mark.parametrize(
        "limit", ["0", "-1", "101", "1.0", "1_0", "+5", " 5", "５", "x", "", "9" * 5000]
    )
    def test_refuses_a_bad_limit(self, rich: ApiClient, limit: str) -> None:
        assert wrong_fields(rich.get("/api/trade/history", limit=limit)) == ["limit"]

    @pytest.mark.parametrize("cursor", ["", "x", "é", "A" * 22 + "=", "A" * 301, "a\x00b"])
    def test_refuses_a_cursor_that_no_page_gave(self, rich: ApiClient, cursor: str) -> None:
        assert wrong_fields(rich.get("/api/trade/history", cursor=cursor)) == ["cursor"]

    def test_refuses_what_it_does_not_know(self, rich: ApiClient) -> None:
        assert wrong_fields(rich.get("/api/trade/history", page="2")) == ["page"]
        twice = rich.send("GET", "/api/trade/history", query_string="limit=1&limit=2")
        assert wrong_fields(twice) == ["limit"]
