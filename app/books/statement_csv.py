"""Render the statements of a period as CSV (RFC 4180) in which no cell is a formula."""

import csv
import io
from collections.abc import Iterator

from app.books.queries import BooksStatement
from app.books.rules import FigureLine, Section
from app.kit import clock
from app.kit.spreadsheets import escape_formula

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
COLUMNS = ("statement", "section", "line", "account", "asset", "from", "to", "amount", "value")


def render_csv(statement: BooksStatement) -> bytes:
    """Return a row for each line of each statement and period; `value` is in US dollars. A balance
    has no `from`, and in the trial balance debits are positive."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in _rows(statement):
        writer.writerow([escape_formula(cell) for cell in row])
    return text.getvalue().encode()


def _rows(statement: BooksStatement) -> Iterator[list[str]]:
    sheet, income = statement.balance_sheet, statement.income_statement
    if sheet is not None and income is not None:
        for section in sheet:
            yield from _section_rows(statement, "balance sheet", section)
        for section in (income.income, income.expenses):
            yield from _section_rows(statement, "income statement", section)
        for line in (income.operating, income.at_market, income.net):
            yield from _line_rows(statement, "income statement", "Result", line)
    [first, *_] = statement.periods
    for trial in statement.trial_balance:
        yield [
            "trial balance",
            trial.kind.label,
            trial.name,
            trial.account_class or "",
            trial.balance.asset.code,
            "",
            clock.rfc3339(first.end),
            str(trial.balance),
            "" if trial.value is None else str(trial.value),
        ]


def _section_rows(statement: BooksStatement, name: str, section: Section) -> Iterator[list[str]]:
    for line in section.lines:
        yield from _line_rows(statement, name, section.title, line)
    yield from _line_rows(statement, name, section.title, FigureLine("Total", section.total))


def _line_rows(
    statement: BooksStatement, name: str, section: str, line: FigureLine
) -> Iterator[list[str]]:
    for period, amount in zip(statement.periods, line.amounts, strict=True):
        start = clock.rfc3339(period.start) if name == "income statement" else ""
        end = clock.rfc3339(period.end)
        account = line.account_class or ""
        text = str(amount)
        yield [name, section, line.name, account, amount.asset.code, start, end, text, text]
