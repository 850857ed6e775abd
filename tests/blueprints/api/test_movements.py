"""Movements and statements over the API."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.kit.db import Database
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.people import set_prices
from tests.unchanged_database import database_unchanged

MOVEMENTS, STATEMENTS = "/api/wallet/transactions", "/api/wallet/statements"
NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
JUNE = datetime(2031, 6, 1, tzinfo=UTC)
MAY = {"account": "funding", "from": "2031-05-01T00:00:00Z", "to": "2031-06-01T00:00:00Z"}


@pytest.fixture
def gold_saver(open_app: Flask, database: Database) -> Iterator[ApiClient]:
    """A customer, in June. In May they received 3 PAXG, minted one and burned half of it."""
    with time_machine.travel(NOW, tick=False) as clock:
        set_prices(database, AU="4000", PAXG="4000")
        customer = ApiClient.create_customer(open_app, PAXG="3")
        for asset, amount, source, target in (
            ("PAXG", "1", "funding", "trading"),
            ("XAU-s", "0.5", "trading", "funding"),
        ):
            clock.shift(timedelta(seconds=30))
            body = {"asset": asset, "amount": amount, "from": source, "to": target}
            customer.ok(201, customer.post("/api/wallet/transfer", body))
        clock.move_to(JUNE)
        customer.sign_in()
        yield customer


def read_all_movements(customer: ApiClient, **query: object) -> list[dict[str, object]]:
    movements: list[dict[str, object]] = []
    cursor: dict[str, object] = {}
    while True:
        page = customer.ok(200, customer.get(MOVEMENTS, **query, **cursor))
        movements += page["data"]
        if page["nextCursor"] is None:
            return movements
        cursor = {"cursor": page["nextCursor"]}


class TestMovements:
    def test_movements_are_newest_first_with_description_and_kind(
        self, gold_saver: ApiClient
    ) -> None:
        movements = read_all_movements(gold_saver)
        assert [
            (movement["asset"], movement["amount"], movement["description"])
            for movement in movements
        ] == [
            ("XAU-s", "-0.50000000", "Burn to 0.5000 PAXG"),
            ("PAXG", "0.50000000", "Burn from 0.5000 XAU-s"),
            ("XAU-s", "1.00000000", "Mint from 1.0000 PAXG"),
            ("PAXG", "-1.00000000", "Mint to 1.0000 XAU-s"),
            ("PAXG", "3.00000000", "Test credit"),
        ]
        assert movements[-1]["at"] == "2031-05-06T07:08:09.000Z"
        assert movements[-1]["account"] == "funding"
        assert [movement["kind"] for movement in movements] == [
            "burn",
            "burn",
            "mint",
            "mint",
            "other",
        ]
        assert movements[0]["reference"] == movements[1]["reference"]
        assert movements[0]["reference"].startswith("trf_")

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_movement_pages_hold_every_movement_once(
        self, gold_saver: ApiClient, limit: int
    ) -> None:
        assert read_all_movements(gold_saver, limit=limit) == read_all_movements(gold_saver)

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({"asset": "XAU-s"}, 2),
            ({"asset": "USD"}, 0),
            ({"kind": "mint"}, 2),
            ({"kind": "mint", "asset": "PAXG"}, 1),
            ({"kind": "other"}, 1),
            ({"kind": "reversal"}, 0),
            ({"kind": "deposit"}, 0),
            ({"from": "2031-05-06T07:08:39Z"}, 4),
            ({"from": "2031-05-06T07:08:39.001Z"}, 2),
            ({"to": "2031-05-06T07:08:39Z"}, 1),
            ({"from": "2031-05-06T07:08:39Z", "to": "2031-05-06T07:09:09Z"}, 2),
        ],
        ids=str,
    )
    def test_movements_are_filtered(
        self, gold_saver: ApiClient, query: dict[str, str], count: int
    ) -> None:
        assert len(read_all_movements(gold_saver, **query)) == count
        assert len(read_all_movements(gold_saver, limit=1, **query)) == count

    def test_movements_of_others_are_not_listed(
        self, open_app: Flask, gold_saver: ApiClient
    ) -> None:
        assert read_all_movements(ApiClient.create_customer(open_app)) == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"asset": "EUR"}, "asset"),
            ({"kind": "gift"}, "kind"),
            ({"from": "yesterday"}, "from"),
            ({"cursor": "x"}, "cursor"),
            ({"since": "x"}, "since"),
        ],
        ids=str,
    )
    def test_movements_refuse_an_invalid_query(self, gold_saver, database, query, field) -> None:
        with database_unchanged(database):
            assert field in wrong_fields(gold_saver.get(MOVEMENTS, **query))


class TestStatements:
    def request_may_statement(self, customer: ApiClient, **changes: str) -> TestResponse:
        return customer.get(STATEMENTS, **MAY | changes)

    def test_statement_opening_plus_movements_is_closing(self, gold_saver: ApiClient) -> None:
        statement = gold_saver.ok(200, self.request_may_statement(gold_saver))
        assert (statement["account"], statement["from"], statement["to"]) == (
            "funding",
            "2031-05-01T00:00:00.000Z",
            "2031-06-01T00:00:00.000Z",
        )
        assert [sheet["asset"] for sheet in statement["assets"]] == ["USD", "USDC", "PAXG"]
        paxg = statement["assets"][2]
        assert (paxg["opening"], paxg["closing"], paxg["held"], paxg["owed"]) == (
            "0.00000000",
            "2.50000000",
            "0.00000000",
            "0.00000000",
        )
        assert [(movement["amount"], movement["balance"]) for movement in paxg["movements"]] == [
            ("3.00000000", "3.00000000"),
            ("-1.00000000", "2.00000000"),
            ("0.50000000", "2.50000000"),
        ]

    def test_statement_can_be_limited_to_one_asset(self, gold_saver: ApiClient) -> None:
        statement = gold_saver.ok(
            200, self.request_may_statement(gold_saver, account="trading", asset="XAU-s")
        )
        [sheet] = statement["assets"]
        assert (sheet["asset"], sheet["closing"]) == ("XAU-s", "0.50000000")

    @pytest.mark.parametrize("selector", ["format", "accept"])
    def test_statement_is_served_as_csv(self, gold_saver: ApiClient, selector: str) -> None:
        response = self.request_file(gold_saver, selector, "csv", "text/csv")
        assert response.status_code == 200
        assert response.content_type == "text/csv; charset=utf-8; header=present"
        assert response.headers["Content-Disposition"] == (
            'attachment; filename="pbcex-funding-20310501T000000Z-20310601T000000Z.csv"'
        )
        rows = list(csv.DictReader(io.StringIO(response.text)))
        assert [row["balance"] for row in rows if row["asset"] == "PAXG"] == [
            "0.00000000", "3.00000000", "2.00000000", "2.50000000", "2.50000000", "", "",
        ]  # fmt: skip

    @pytest.mark.parametrize("selector", ["format", "accept"])
    def test_statement_is_served_as_the_same_pdf_every_time(
        self, gold_saver: ApiClient, selector: str
    ) -> None:
        response = self.request_file(gold_saver, selector, "pdf", "application/pdf")
        assert response.status_code == 200
        assert response.mimetype == "application/pdf"
        assert response.data.startswith(b"%PDF-")
        assert (
            response.data == self.request_file(gold_saver, selector, "pdf", "application/pdf").data
        )

    def request_file(
        self, customer: ApiClient, selector: str, file_format: str, media_type: str
    ) -> TestResponse:
        if selector == "format":
            return self.request_may_statement(customer, format=file_format)
        return customer.send("GET", STATEMENTS, query_string=MAY, headers={"Accept": media_type})

    def test_statement_is_json_for_an_unknown_media_type(self, gold_saver: ApiClient) -> None:
        response = self.request_file(gold_saver, "accept", "", "image/png")
        assert response.mimetype == "application/json"

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"account": "savings"}, "account"),
            ({"asset": "XAU-s"}, "asset"),
            ({"to": "2031-06-01T00:00:00.001Z"}, "to"),
            ({"from": "2031-06-01T00:00:00.001Z"}, "from"),
            ({"format": "xlsx"}, "format"),
        ],
        ids=str,
    )
    def test_statement_refuses_an_invalid_query(self, gold_saver, database, query, field) -> None:
        with database_unchanged(database):
            assert field in wrong_fields(self.request_may_statement(gold_saver, **query))

    def test_statement_is_refused_without_a_token(
        self, open_app: Flask, database: Database
    ) -> None:
        with database_unchanged(database):
            response = ApiClient(open_app).get(STATEMENTS, **MAY)
            assert_problem(response, 401, "token_invalid")
