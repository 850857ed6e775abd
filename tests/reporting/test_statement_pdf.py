"""Statements as PDF."""

import re

import pytest

from app.catalog.rules import PAXG, Wallet
from app.kit.money import UNITS_MAX, Amount
from app.reporting import statement_pdf
from app.reporting.statements import AccountStatement, AssetStatement, StatementLine
from tests.reporting.statement_examples import CUSTOMER, statement


def test_same_statement_renders_to_the_same_bytes() -> None:
    assert statement_pdf.render_pdf(statement()) == statement_pdf.render_pdf(statement())
    assert statement_pdf.render_pdf(statement()) != statement_pdf.render_pdf(
        statement(name="Grace Hopper")
    )


@pytest.mark.parametrize(("movements", "pages"), [(0, 1), (18, 1), (24, 2), (70, 3)])
def test_table_continues_over_pages(movements: int, pages: int) -> None:
    pdf = statement_pdf.render_pdf(statement(movements))
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\n", pdf)) == pages


@pytest.mark.parametrize("name", ["Łukasz Żółć", "Ελένη", "محمد عبد الله", "王小明", "\U0001f600"])
def test_any_customer_name_can_be_rendered(name: str) -> None:
    assert statement_pdf.render_pdf(statement(name=name)).startswith(b"%PDF-")


def test_largest_amount_and_longest_description_fit_their_cells(monkeypatch) -> None:
    cells = []
    draw = statement_pdf._StatementPdf.cell

    def cell(self, width=None, height=None, text="", *args, **options):
        if width:
            cells.append((text, self.get_string_width(text), width))
        return draw(self, width, height, text, *args, **options)

    monkeypatch.setattr(statement_pdf._StatementPdf, "cell", cell)
    example = statement(description="Reversal: trade to 10000000000.00000000 XAU-s", asset=PAXG)
    [section] = example.asset_statements
    largest = Amount(PAXG, -UNITS_MAX)
    line = StatementLine(section.lines[0].movement, largest)
    statement_pdf.render_pdf(
        AccountStatement(
            CUSTOMER, "Ada", "ada@example.com", Wallet.FUNDING, example.period,
            [AssetStatement(largest, [line], largest, largest, largest)],
        )
    )  # fmt: skip
    assert "−10,000,000,000.00000000" in {text for text, _, _ in cells}
    assert [text for text, drawn, width in cells if drawn > width] == []


def test_amounts_and_times_are_written_as_everywhere(monkeypatch) -> None:
    texts = []
    draw = statement_pdf._StatementPdf.cell

    def cell(self, width=None, height=None, text="", *args, **options):
        texts.append(text)
        return draw(self, width, height, text, *args, **options)

    monkeypatch.setattr(statement_pdf._StatementPdf, "cell", cell)
    statement_pdf.render_pdf(statement())
    assert "1 Nov 2026, 00:00:00 UTC" in texts
    assert {"1,275.00", "−10.05"} <= set(texts)
    assert "trd_1 · fee included: 0.05 USD" in texts
    assert "Movements: 2; in: 25.00 USD; out: −10.05 USD; held at the end: 10.00 USD" in texts
