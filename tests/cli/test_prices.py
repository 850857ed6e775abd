"""`flask prices`."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app.kit.db import Database
from app.pricing.models import MarketPriceRow
from tests.rows import delete_rows


@pytest.fixture(autouse=True)
def new_market(database: Database) -> Iterator[None]:
    """Delete all market prices before and after the test."""
    _forget_prices(database)
    yield
    _forget_prices(database)


def _forget_prices(database: Database) -> None:
    with database.transaction() as session:
        delete_rows(session, MarketPriceRow)


def prices(app: Flask, *arguments: object) -> Result:
    return app.test_cli_runner().invoke(args=["prices", *map(str, arguments)])


def replayed(database: Database, metal: str, first: str, last: str) -> list[tuple[object, ...]]:
    with database.reading() as session:
        return session.rows(
            "SELECT observed_at, mid FROM ticks WHERE source = 'replay' AND metal = %s "
            "AND observed_at BETWEEN %s AND %s ORDER BY observed_at",
            (metal, first, last),
        )


def test_replay_stores_each_row_with_its_own_date_once(
    app: Flask, database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "palladium.csv"
    path.write_text("Date,Price\n1701-01,18.930\n1701-02-15,19\n")
    result = prices(app, "replay", path, "--metal", "PD")
    assert result.exit_code == 0
    assert f"{path}: 2 prices, 1701-01-01 to 1701-02-15" in result.output
    stored = [
        (datetime(1701, 1, 1, tzinfo=UTC), Decimal("18.930")),
        (datetime(1701, 2, 15, tzinfo=UTC), Decimal(19)),
    ]
    assert replayed(database, "PD", "1701-01-01Z", "1701-12-31Z") == stored
    shown = prices(app, "show")
    assert " ".join(shown.output.splitlines()[1].split()) == (
        "PD 18.886000 19.114000 19.000000 1701-02-15T00:00:00.000Z open replay (stale)"
    )
    again = prices(app, "replay", path, "--metal", "PD")
    assert again.exit_code == 0
    assert "0 new prices stored, 2 stored before." in again.output
    assert replayed(database, "PD", "1701-01-01Z", "1701-12-31Z") == stored


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Date,Price\n1702-01,18\n1702-02,x\n", "line 3: 'x' is not a plain decimal price"),
        ("Date,Price\n1702-01,18\n2999-01,18\n", "line 3: 2999-01-01 is in the future."),
    ],
)
def test_replay_refuses_a_bad_line_and_stores_nothing(
    app: Flask, database: Database, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "platinum.csv"
    path.write_text(text)
    result = prices(app, "replay", path, "--metal", "PT")
    assert result.exit_code == 1
    assert result.output == f"Error: {path}: {message}\n"
    assert replayed(database, "PT", "1702-01-01Z", "1702-12-31Z") == []
    assert prices(app, "show").output == "There are no prices yet.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prices.csv", "--metal", "XX"], "'XX' is not one of"),
        (["prices.csv"], "Missing option '--metal'"),
    ],
)
def test_replay_refuses_bad_arguments(app: Flask, arguments: list[str], message: str) -> None:
    result = prices(app, "replay", *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_replay_of_gold_since_1833(app: Flask, database: Database, shared_data: Path) -> None:
    gold = shared_data / "prices" / "gold_usd_monthly.csv"
    with gold.open() as lines:
        expected = [
            (datetime.strptime(f"{row['Date']}-01Z", "%Y-%m-%d%z"), Decimal(row["Price"]))
            for row in csv.DictReader(lines)
        ]
    result = prices(app, "replay", gold, "--metal", "AU")
    assert result.exit_code == 0
    assert f"{len(expected):,} prices, 1833-01-01 to" in result.output
    assert replayed(database, "AU", "1833-01-01Z", "2999-01-01Z") == expected
    again = prices(app, "replay", gold, "--metal", "AU")
    assert f"0 new prices stored, {len(expected)} stored before." in again.output
    assert replayed(database, "AU", "1833-01-01Z", "2999-01-01Z") == expected
