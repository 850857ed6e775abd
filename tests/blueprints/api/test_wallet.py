"""Balances and transfers over HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from app.kit.db import Database
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.people import set_prices
from tests.unchanged_database import database_unchanged

TRANSFER = "/api/wallet/transfer"
MIDS = {"AU": "4000", "AG": "50", "PT": "1600", "PD": "1500", "CU": "0.4", "PAXG": "4000"}


@pytest.fixture
def database(open_app: Flask) -> Database:
    database: Database = open_app.extensions["database"]
    set_prices(database, **MIDS)
    return database


@pytest.fixture
def golden(open_app: Flask, database: Database) -> ApiClient:
    """A customer with gold in both forms."""
    return ApiClient.create_customer(open_app, PAXG="300", XAU_s="300")


def mint(amount: str) -> dict[str, str]:
    return {"asset": "PAXG", "amount": amount, "from": "funding", "to": "trading"}


def burn(amount: str) -> dict[str, str]:
    return {"asset": "XAU-s", "amount": amount, "from": "trading", "to": "funding"}


class TestBalances:
    def test_of_a_new_customer_are_zero_in_full_scale(
        self, open_app: Flask, database: Database
    ) -> None:
        me = ApiClient.create_customer(open_app)
        nothing = {"held": "0.00000000", "total": "0.00000000", "usdValue": "0.00"}
        ounces = {"available": "0.00000000", **nothing}
        assert me.ok(200, me.get("/api/wallet/balances")) == {
            "funding": [
                {
                    "asset": "USD", "available": "0.00", "held": "0.00", "total": "0.00",
                    "usdValue": "0.00",
                },
                {
                    "asset": "USDC", "available": "0.000000", "held": "0.000000",
                    "total": "0.000000", "usdValue": "0.00",
                },
                {"asset": "PAXG", **ounces},
            ],
            "trading": [
                {"asset": asset, **ounces}
                for asset in ("XAU-s", "XAG-s", "XPT-s", "XPD-s", "XCU-s")
            ],
            "totalUsd": "0.00",
        }  # fmt: skip

    def test_are_worth_their_bid(self, open_app: Flask, database: Database) -> None:
        me = ApiClient.create_customer(
            open_app, USD="12.34", USDC="1.999999", PAXG="0.00000001", XAU_s="1.00000001"
        )
        answered = me.ok(200, me.get("/api/wallet/balances"))
        worth = {
            holding["asset"]: holding["usdValue"]
            for account in ("funding", "trading")
            for holding in answered[account]
        }
        # 1.00000001 × 3992 = 3992.00003992; 0.00000001 × 3992 = 0.00003992
        assert worth["USD"] == "12.34"
        assert worth["USDC"] == "1.99"
        assert worth["PAXG"] == "0.00"
        assert worth["XAU-s"] == "3992.00"
        assert answered["totalUsd"] == "4006.33"


class TestTransfer:
    def test_there_and_back_keeps_every_unit(self, golden: ApiClient) -> None:
        minted = golden.ok(201, golden.post(TRANSFER, mint("1.23456789")))
        assert golden.available_balances() == {"PAXG": "298.76543211", "XAU-s": "301.23456789"}
        burned = golden.ok(201, golden.post(TRANSFER, burn("1.23456789")))
        assert golden.available_balances() == {"PAXG": "300.00000000", "XAU-s": "300.00000000"}
        for made, give, get in ((minted, "PAXG", "XAU-s"), (burned, "XAU-s", "PAXG")):
            assert made.pop("id").startswith("trf_")
            assert made.pop("transferredAt").endswith("Z")
            assert made == {
                "fromAsset": give,
                "fromAmount": "1.23456789",
                "toAsset": get,
                "toAmount": "1.23456789",
            }

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"from": "trading", "to": "funding"}, "asset"),
            ({"asset": "XAU-s"}, "asset"),
            ({"asset": "XAG-s", "from": "trading", "to": "funding"}, "asset"),
            ({"asset": "USD"}, "asset"),
            ({"asset": "USDC"}, "asset"),
            ({"asset": "BTC"}, "asset"),
            ({"asset": "paxg"}, "asset"),
            ({"asset": None}, "asset"),
            ({"asset": ["PAXG"]}, "asset"),
            ({"to": "funding"}, "to"),
            ({"from": "trading"}, "to"),
            ({"to": "TRADING"}, "to"),
            ({"from": "vault"}, "from"),
            ({"from": 1}, "from"),
            ({"from_": "funding"}, "from_"),
            ({"note": "x"}, "note"),
        ],
        ids=str,
    )
    def test_moves_no_other_way(
        self, golden: ApiClient, database: Database, changes: dict[str, object], field: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(golden.post(TRANSFER, {**mint("1"), **changes})) == [field]

    @pytest.mark.parametrize("amount", ["0.00009999", "100.00000001", "1000000"])
    def test_has_a_least_and_a_greatest_size(
        self, golden: ApiClient, database: Database, amount: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(golden.post(TRANSFER, mint(amount))) == ["amount"]

    def test_has_a_limit_each_day(self, golden: ApiClient, database: Database) -> None:
        with time_machine.travel(datetime(2026, 3, 4, tzinfo=UTC), tick=False) as traveller:
            golden.sign_in()
            set_prices(database, **MIDS)
            for body in (mint("100"), burn("100"), mint("50")):
                golden.ok(201, golden.post(TRANSFER, body))
            with database_unchanged(database):
                more = golden.post(TRANSFER, mint("0.0001"))
                assert_problem(more, 409, "transfer_limit_exceeded")
            traveller.shift(timedelta(days=1))
            golden.sign_in()
            set_prices(database, **MIDS)
            golden.ok(201, golden.post(TRANSFER, mint("0.0001")))

    def test_waits_while_paxg_strays(self, golden: ApiClient, database: Database) -> None:
        for stray in ("4040.01", "3959.99"):
            set_prices(database, PAXG=stray)
            with database_unchanged(database):
                for body in (mint("1"), burn("1")):
                    assert_problem(golden.post(TRANSFER, body), 409, "gate_closed")
        for close in ("4040.00", "3960.00"):
            set_prices(database, PAXG=close)
            golden.ok(201, golden.post(TRANSFER, mint("1")))

    @pytest.mark.parametrize("missing", ["AU", "PAXG"])
    def test_waits_without_a_price(
        self, golden: ApiClient, database: Database, missing: str
    ) -> None:
        with database.transaction() as session:
            session.send("DELETE FROM market_prices WHERE metal = %s", (missing,))
        with database_unchanged(database):
            assert_problem(golden.post(TRANSFER, mint("1")), 409, "price_stale")

    def test_takes_what_is_there_and_no_more(self, open_app: Flask, database: Database) -> None:
        poor = ApiClient.create_customer(open_app, PAXG="1")
        with database_unchanged(database):
            assert_problem(poor.post(TRANSFER, mint("1.00000001")), 409, "insufficient_funds")
            assert_problem(poor.post(TRANSFER, burn("0.0001")), 409, "insufficient_funds")
        poor.ok(201, poor.post(TRANSFER, mint("1")))
        assert poor.available_balances() == {"XAU-s": "1.00000000"}

    def test_a_repeated_key_moves_once(self, golden: ApiClient, database: Database) -> None:
        first = golden.post(TRANSFER, mint("1"), key="again")
        with database_unchanged(database):
            again = golden.post(TRANSFER, mint("1"), key="again")
        assert (first.status_code, first.data) == (again.status_code, again.data)
        assert again.headers["Idempotent-Replayed"] == "true"
