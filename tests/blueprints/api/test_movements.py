"""Movements and statements over HTTP."""

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
MONTH = {"account": "funding", "from": "2031-05-01T00:00:00Z", "to": "2031-06-01T00:00:00Z"}


@pytest.fixture
def database(open_app: Flask) -> Database:
    database: Database = open_app.extensions["database"]
    return database


@pytest.fixture
def me(open_app: Flask, database: Database) -> Iterator[ApiClient]:
    """A customer who was given 3 PAXG, minted one, and burnt half of it, half a minute apart; in
    the June that follows."""
    with time_machine.travel(NOW, tick=False) as clock:
        set_prices(database, AU="4000", PAXG="4000")
        made = ApiClient.create_customer(open_app, PAXG="3")
        for asset, amount, origin, to in (
            ("PAXG", "1", "funding", "trading"),
            ("XAU-s", "0.5", "trading", "funding"),
        ):
            clock.shift(timedelta(seconds=30))
            wish = {"asset": asset, "amount": amount, "from": origin, "to": to}
            made.ok(201, made.post("/api/wallet/transfer", wish))
        clock.move_to(JUNE)
        made.sign_in()
        yield made


def all_of(me: ApiClient, **query: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    cursor: dict[str, object] = {}
    while True:
        page = me.ok(200, me.get(MOVEMENTS, **query, **cursor))
        found += page["data"]
        if page["nextCursor"] is None:
            return found
        cursor = {"cursor": page["nextCursor"]}


class TestMovements:
    def test_are_newest_first_with_what_they_were(self, me: ApiClient) -> None:
        found = all_of(me)
        assert [(each["asset"], each["amount"], each["description"]) for each in found] == [
            ("XAU-s", "-0.50000000", "Burn to 0.50000000 PAXG"),
            ("PAXG", "0.50000000", "Burn from 0.50000000 XAU-s"),
            ("XAU-s", "1.00000000", "Mint from 1.00000000 PAXG"),
            ("PAXG", "-1.00000000", "Mint to 1.00000000 XAU-s"),
            ("PAXG", "3.00000000", "Test credit"),
        ]
        assert found[-1]["at"] == "2031-05-06T07:08:09.000Z"
        assert found[-1]["account"] == "funding"
        assert [each["kind"] for each in found] == ["burn", "burn", "mint", "mint", "other"]
        assert found[0]["reference"] == found[1]["reference"]
        assert found[0]["reference"].startswith("trf_")

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_pages_have_each_once(self, me: ApiClient, limit: int) -> None:
        assert all_of(me, limit=limit) == all_of(me)

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
    )
    def test_are_narrowed(self, me: ApiClient, query: dict[str, str], count: int) -> None:
        assert len(all_of(me, **query)) == count
        assert len(all_of(me, limit=1, **query)) == count

    def test_are_nobody_elses(self, open_app: Flask, me: ApiClient) -> None:
        assert all_of(ApiClient.create_customer(open_app)) == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"asset": "EUR"}, "asset"),
            ({"kind": "gift"}, "kind"),
            ({"from": "yesterday"}, "from"),
            ({"cursor": "x"}, "cursor"),
            ({"since": "x"}, "since"),
        ],
    )
    def test_what_cannot_be_asked(self, me, database, query, field) -> None:
        with database_unchanged(database):
            assert field in wrong_fields(me.get(MOVEMENTS, **query))


class TestStatements:
    def of_may(self, me: ApiClient, **more: str) -> TestResponse:
        return me.get(STATEMENTS, **MONTH | more)

    def test_add_up(self, me: ApiClient) -> None:
        found = me.ok(200, self.of_may(me))
        assert (found["account"], found["from"], found["to"]) == (
            "funding",
            "2031-05-01T00:00:00.000Z",
            "2031-06-01T00:00:00.000Z",
        )
        assert [sheet["asset"] for sheet in found["assets"]] == ["USD", "USDC", "PAXG"]
        paxg = found["assets"][2]
        assert (paxg["opening"], paxg["closing"], paxg["held"], paxg["owed"]) == (
            "0.00000000",
            "2.50000000",
            "0.00000000",
            "0.00000000",
        )
        assert [(each["amount"], each["balance"]) for each in paxg["movements"]] == [
            ("3.00000000", "3.00000000"),
            ("-1.00000000", "2.00000000"),
            ("0.50000000", "2.50000000"),
        ]

    def test_of_one_asset(self, me: ApiClient) -> None:
        found = me.ok(200, self.of_may(me, account="trading", asset="XAU-s"))
        [sheet] = found["assets"]
        assert (sheet["asset"], sheet["closing"]) == ("XAU-s", "0.50000000")

    @pytest.mark.parametrize("how", ["format", "accept"])
    def test_as_a_table(self, me: ApiClient, how: str) -> None:
        answer = self.written(me, how, "csv", "text/csv")
        assert answer.status_code == 200
        assert answer.content_type == "text/csv; charset=utf-8; header=present"
        assert answer.headers["Content-Disposition"] == (
            'attachment; filename="pbcex-funding-20310501T000000Z-20310601T000000Z.csv"'
        )
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["balance"] for row in rows if row["asset"] == "PAXG"] == [
            "0.00000000", "3.00000000", "2.00000000", "2.50000000", "2.50000000", "", "",
        ]  # fmt: skip

    @pytest.mark.parametrize("how", ["format", "accept"])
    def test_on_paper(self, me: ApiClient, how: str) -> None:
        answer = self.written(me, how, "pdf", "application/pdf")
        assert answer.status_code == 200
        assert answer.mimetype == "application/pdf"
        assert answer.data.startswith(b"%PDF-")
        assert answer.data == self.written(me, how, "pdf", "application/pdf").data

    def written(self, me: ApiClient, how: str, name: str, media_type: str) -> TestResponse:
        if how == "format":
            return self.of_may(me, format=name)
        return me.send("GET", STATEMENTS, query_string=MONTH, headers={"Accept": media_type})

    def test_what_is_not_known_is_answered_as_json(self, me: ApiClient) -> None:
        answer = self.written(me, "accept", "", "image/png")
        assert answer.mimetype == "application/json"

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"account": "savings"}, "account"),
            ({"asset": "XAU-s"}, "asset"),
            ({"to": "2031-06-01T00:00:00.001Z"}, "to"),
            ({"from": "2031-06-01T00:00:00.001Z"}, "from"),
            ({"format": "xlsx"}, "format"),
        ],
    )
    def test_what_cannot_be_asked(self, me, database, query, field) -> None:
        with database_unchanged(database):
            assert field in wrong_fields(self.of_may(me, **query))

    def test_need_somebody(self, open_app: Flask, database: Database) -> None:
        with database_unchanged(database):
            answer = ApiClient(open_app).get(STATEMENTS, **MONTH)
            assert_problem(answer, 401, "token_invalid")
