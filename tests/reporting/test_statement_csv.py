"""Statements as CSV for spreadsheets."""

import csv
import io
import re

import pytest

from app.reporting import statement_csv
from tests.reporting.statement_examples import statement


def test_csv_has_a_row_for_each_movement_between_opening_and_closing_balance() -> None:
    text = statement_csv.render_csv(statement()).decode()
    assert text == (
        "asset,time,kind,description,reference,amount,fee,balance,details\r\n"
        "USD,2026-11-01T00:00:00.000Z,opening,Opening balance,,,,1250.00,\r\n"
        "USD,2026-11-01T00:00:00.000Z,trade,Trade,trd_0,25.00,,1275.00,\r\n"
        "USD,2026-11-01T01:00:00.000Z,trade,Trade,trd_1,-10.05,0.05,1264.95,\r\n"
        "USD,2026-12-01T00:00:00.000Z,closing,Closing balance,,,,1264.95,\r\n"
        'USD,2026-12-01T00:00:00.000Z,held,"Held, part of the closing balance",,10.00,,,\r\n'
        'USD,2026-12-01T00:00:00.000Z,owed,"Owed to us, not part of the balance",,0.00,,,\r\n'
    )


@pytest.mark.parametrize(
    "description", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "%x", '=cmd|" /C calc"!A0']
)
def test_csv_cell_is_never_a_formula(description: str) -> None:
    text = statement_csv.render_csv(statement(description=description)).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[2][3] == f"'{description}" or description == "+1"
    assert not re.match(r"[=+\-@\t\r%]", rows[2][3])


def test_negative_amount_stays_a_number_in_csv() -> None:
    texts = ("-10.05", "10.05", "-10.05x", "-")
    assert [statement_csv.escape_formula(text) for text in texts] == [
        "-10.05",
        "10.05",
        "'-10.05x",
        "'-",
    ]
