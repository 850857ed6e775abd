"""Statements as files: for spreadsheets and on paper."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.catalog.rules import PAXG, USD, Wallet
from app.kit.money import UNITS_MAX, Amount, Asset
from app.reporting import statement_csv, statement_pdf
from app.reporting.movement_labels import MovementKind
from app.reporting.movements import Movement
from app.reporting.statements import Line, Period, Sheet, Statement

START = datetime(2026, 11, 1, tzinfo=UTC)
CUSTOMER = UUID("019a9f3c-7d00-7abc-8def-0123456789ab")


def statement(
    count: int = 2, *, name: str = "Ada Lovelace", description: str = "Trade", asset: Asset = USD
) -> Statement:
    """A statement with so many movements, up and down."""
    balance, lines = Amount(asset, 125_000), []
    for number in range(count):
        amount = Amount(asset, (2_500, -1_005)[number % 2])
        balance += amount
        at, fee = START + timedelta(hours=number), Amount(asset, 5) if number % 2 else None
        movement = Movement(
            CUSTOMER, at, MovementKind.TRADE, description, f"trd_{number}", amount, fee
        )
        lines.append(Line(movement, balance))
    sheet = Sheet(Amount(asset, 125_000), lines, balance, Amount(asset, 1_000), Amount(asset, 0))
    period = Period(START, START + timedelta(days=30))
    return Statement(CUSTOMER, name, "ada@example.com", Wallet.FUNDING, period, [sheet])


class TestCsv:
    def test_a_row_for_each_movement_between_the_balances(self) -> None:
        text = statement_csv.csv_of(statement()).decode()
        assert text == (
            "asset,time,kind,description,reference,amount,fee,balance\r\n"
            "USD,2026-11-01T00:00:00.000Z,opening,Opening balance,,,,1250.00\r\n"
            "USD,2026-11-01T00:00:00.000Z,trade,Trade,trd_0,25.00,,1275.00\r\n"
            "USD,2026-11-01T01:00:00.000Z,trade,Trade,trd_1,-10.05,0.05,1264.95\r\n"
            "USD,2026-12-01T00:00:00.000Z,closing,Closing balance,,,,1264.95\r\n"
            "USD,2026-12-01T00:00:00.000Z,held,Held of the closing balance,,10.00,,\r\n"
            "USD,2026-12-01T00:00:00.000Z,owed,Owed beside the balance,,0.00,,\r\n"
        )

    @pytest.mark.parametrize(
        "words", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "%x", '=cmd|" /C calc"!A0']
    )
    def test_no_cell_is_a_formula(self, words: str) -> None:
        text = statement_csv.csv_of(statement(description=words)).decode()
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert rows[2][3] == f"'{words}" or words == "+1"
        assert not re.match(r"[=+\-@\t\r%]", rows[2][3])

    def test_a_negative_amount_stays_a_number(self) -> None:
        assert [statement_csv.safe(text) for text in ("-10.05", "10.05", "-10.05x", "-")] == [
            "-10.05",
            "10.05",
            "'-10.05x",
            "'-",
        ]


class TestPdf:
    def test_the_same_statement_makes_the_same_bytes(self) -> None:
        assert statement_pdf.pdf_of(statement()) == statement_pdf.pdf_of(statement())
        assert statement_pdf.pdf_of(statement()) != statement_pdf.pdf_of(
            statement(name="Grace Hopper")
        )

    @pytest.mark.parametrize(("movements", "pages"), [(0, 1), (18, 1), (24, 2), (70, 3)])
    def test_a_table_goes_on_over_pages(self, movements: int, pages: int) -> None:
        printed = statement_pdf.pdf_of(statement(movements))
        assert printed.startswith(b"%PDF-")
        assert len(re.findall(rb"/Type /Page\n", printed)) == pages

    @pytest.mark.parametrize(
        "name", ["Łukasz Żółć", "Ελένη", "محمد عبد الله", "王小明", "\U0001f600"]
    )
    def test_any_name_can_be_printed(self, name: str) -> None:
        assert statement_pdf.pdf_of(statement(name=name)).startswith(b"%PDF-")

    def test_the_largest_amount_and_the_longest_words_fit(self, monkeypatch) -> None:
        written = []
        draw = statement_pdf._Paper.cell

        def cell(self, width=None, height=None, text="", *args, **options):
            if width:
                written.append((text, self.get_string_width(text), width))
            return draw(self, width, height, text, *args, **options)

        monkeypatch.setattr(statement_pdf._Paper, "cell", cell)
        whole = statement(description="Reversal: trade to 10000000000.00000000 XAU-s", asset=PAXG)
        [sheet] = whole.sheets
        largest = Amount(PAXG, -UNITS_MAX)
        line = Line(sheet.lines[0].movement, largest)
        statement_pdf.pdf_of(
            Statement(
                CUSTOMER, "Ada", "ada@example.com", Wallet.FUNDING, whole.period,
                [Sheet(largest, [line], largest, largest, largest)],
            )
        )  # fmt: skip
        assert "−10,000,000,000.00000000" in {text for text, _, _ in written}
        assert [text for text, drawn, width in written if drawn > width] == []

    def test_numbers_are_grouped(self) -> None:
        texts = ["1250.00", "-1234567.89", "0.00000001", "999", ""]
        assert [statement_pdf._grouped(text) for text in texts] == [
            "1,250.00",
            "−1,234,567.89",
            "0.00000001",
            "999",
            "",
        ]
