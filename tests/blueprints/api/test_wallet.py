"""Balances and transfers over the API."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from flask import Flask

from app.catalog.provider_ids import STRIPE
from app.catalog.rules import USD
from app.funding.receivables import service as receivables
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger import chart
from app.pricing.models import MarketPriceRow
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.blueprints.api.conftest import MIDS
from tests.people import set_prices
from tests.rows import delete_rows
from tests.unchanged_database import database_unchanged

TRANSFER = "/api/wallet/transfer"
pytestmark = pytest.mark.usefixtures("open_app", "prices")


@pytest.fixture
def gold_owner(open_app: Flask) -> ApiClient:
    """A customer with 300 PAXG and 300 XAU-s."""
    return ApiClient.create_customer(open_app, PAXG="300", XAU_s="300")


def mint_body(amount: str) -> dict[str, str]:
    return {"asset": "PAXG", "amount": amount, "from": "funding", "to": "trading"}


def burn_body(amount: str) -> dict[str, str]:
    return {"asset": "XAU-s", "amount": amount, "from": "trading", "to": "funding"}


class TestBalances:
    def test_balances_of_a_new_customer_are_zero_with_all_decimals(
        self, open_app: Flask, database: Database
    ) -> None:
        customer = ApiClient.create_customer(open_app)
        zeros = {
            **dict.fromkeys(("held", "total", "owed"), "0.00000000"),
            "usdValue": "0.00",
        }
        ounces = {"available": "0.00000000", **zeros}
        assert customer.ok(200, customer.get("/api/wallet/balances")) == {
            "funding": [
                {
                    "asset": "USD", "available": "0.00", "held": "0.00", "total": "0.00",
                    "owed": "0.00", "usdValue": "0.00",
                },
                {
                    "asset": "USDC", "available": "0.000000", "held": "0.000000",
                    "total": "0.000000", "owed": "0.000000", "usdValue": "0.00",
                },
                {"asset": "PAXG", **ounces},
            ],
            "trading": [
                {"asset": asset, **ounces}
                for asset in ("XAU-s", "XAG-s", "XPT-s", "XPD-s", "XCU-s")
            ],
            "totalUsd": "0.00", "withdrawableUsd": "0.00",
            "withheldUsd": "0.00", "withheldUntil": None,
        }  # fmt: skip

    def test_balances_show_what_is_owed(self, open_app: Flask, database: Database) -> None:
        customer = ApiClient.create_customer(open_app, USD="100.00", XAU_s="1")
        with database.transaction() as session:
            receivables.record_receivable(
                session,
                customer.user_id,
                reference=f"test:{uuid4()}",
                owed=Amount.parse(USD, "130.00"),
                taken_from=chart.processor(USD, STRIPE),
            )
        balances = customer.ok(200, customer.get("/api/wallet/balances"))
        [dollars] = [held for held in balances["funding"] if held["asset"] == "USD"]
        assert (dollars["total"], dollars["owed"]) == ("0.00", "30.00")
        assert balances["withdrawableUsd"] == "0.00"

    def test_balances_are_valued_at_the_bid(self, open_app: Flask, database: Database) -> None:
        customer = ApiClient.create_customer(
            open_app, USD="12.34", USDC="1.999999", PAXG="0.00000001", XAU_s="1.00000001"
        )
        balances = customer.ok(200, customer.get("/api/wallet/balances"))
        values = {
            holding["asset"]: holding["usdValue"]
            for account in ("funding", "trading")
            for holding in balances[account]
        }
        # 1.00000001 × 3992 = 3992.00003992; 0.00000001 × 3992 = 0.00003992
        assert values["USD"] == "12.34"
        assert values["USDC"] == "1.99"
        assert values["PAXG"] == "0.00"
        assert values["XAU-s"] == "3992.00"
        assert balances["totalUsd"] == "4006.33"


class TestTransfer:
    def test_transfer_and_back_keeps_every_unit(self, gold_owner: ApiClient) -> None:
        minted = gold_owner.ok(201, gold_owner.post(TRANSFER, mint_body("1.23456789")))
        assert gold_owner.available_balances() == {"PAXG": "298.76543211", "XAU-s": "301.23456789"}
        burned = gold_owner.ok(201, gold_owner.post(TRANSFER, burn_body("1.23456789")))
        assert gold_owner.available_balances() == {"PAXG": "300.00000000", "XAU-s": "300.00000000"}
        for transfer, from_asset, to_asset in (
            (minted, "PAXG", "XAU-s"),
            (burned, "XAU-s", "PAXG"),
        ):
            assert transfer.pop("id").startswith("trf_")
            assert transfer.pop("transferredAt").endswith("Z")
            assert transfer == {
                "fromAsset": from_asset,
                "fromAmount": "1.23456789",
                "toAsset": to_asset,
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
    def test_invalid_transfer_names_the_field_and_changes_nothing(
        self, gold_owner: ApiClient, database: Database, changes: dict[str, object], field: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(gold_owner.post(TRANSFER, {**mint_body("1"), **changes})) == [field]

    @pytest.mark.parametrize("amount", ["0.00009999", "100.00000001", "1000000"])
    def test_transfer_below_the_minimum_or_above_the_maximum_is_refused(
        self, gold_owner: ApiClient, database: Database, amount: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(gold_owner.post(TRANSFER, mint_body(amount))) == ["amount"]

    def test_transfer_above_the_daily_limit_is_refused_until_the_next_day(
        self, gold_owner: ApiClient, database: Database
    ) -> None:
        with time_machine.travel(datetime(2026, 3, 4, tzinfo=UTC), tick=False) as traveller:
            gold_owner.sign_in()
            set_prices(database, **MIDS)
            for body in (mint_body("100"), burn_body("100"), mint_body("50")):
                gold_owner.ok(201, gold_owner.post(TRANSFER, body))
            with database_unchanged(database):
                refused = gold_owner.post(TRANSFER, mint_body("0.0001"))
                assert_problem(refused, 409, "transfer_limit_exceeded")
            traveller.shift(timedelta(days=1))
            gold_owner.sign_in()
            set_prices(database, **MIDS)
            gold_owner.ok(201, gold_owner.post(TRANSFER, mint_body("0.0001")))

    def test_transfer_is_refused_while_paxg_is_over_1_percent_off_gold(
        self, gold_owner: ApiClient, database: Database
    ) -> None:
        for price in ("4024.01", "3975.99"):
            set_prices(database, PAXG=price)
            with database_unchanged(database):
                for body in (mint_body("1"), burn_body("1")):
                    assert_problem(gold_owner.post(TRANSFER, body), 409, "gate_closed")
        for price in ("4024.00", "3976.00"):
            set_prices(database, PAXG=price)
            gold_owner.ok(201, gold_owner.post(TRANSFER, mint_body("1")))

    @pytest.mark.parametrize("missing", ["AU", "PAXG"])
    def test_transfer_is_refused_without_both_prices(
        self, gold_owner: ApiClient, database: Database, missing: str
    ) -> None:
        with database.transaction() as session:
            delete_rows(session, MarketPriceRow, MarketPriceRow.metal == missing)
        with database_unchanged(database):
            assert_problem(gold_owner.post(TRANSFER, mint_body("1")), 409, "price_stale")

    def test_transfer_above_the_balance_is_refused(
        self, open_app: Flask, database: Database
    ) -> None:
        client = ApiClient.create_customer(open_app, PAXG="1")
        with database_unchanged(database):
            assert_problem(
                client.post(TRANSFER, mint_body("1.00000001")), 409, "insufficient_funds"
            )
            assert_problem(client.post(TRANSFER, burn_body("0.0001")), 409, "insufficient_funds")
        client.ok(201, client.post(TRANSFER, mint_body("1")))
        assert client.available_balances() == {"XAU-s": "1.00000000"}

    def test_repeated_idempotency_key_transfers_once(
        self, gold_owner: ApiClient, database: Database
    ) -> None:
        first = gold_owner.post(TRANSFER, mint_body("1"), key="again")
        with database_unchanged(database):
            again = gold_owner.post(TRANSFER, mint_body("1"), key="again")
        assert (first.status_code, first.data) == (again.status_code, again.data)
        assert again.headers["Idempotent-Replayed"] == "true"
