"""Statements at past instants, in books that hold only what the test posts."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

import pytest
from flask import Flask

from app.books.queries import BooksStatement
from app.books.rules import Section
from app.catalog.rules import USD, XAG, XAU
from app.kit import ids
from app.ledger import chart
from tests.books.kept_books import DAY, SPANS, START, Books, post_at_random


def figures(sections: Iterable[Section]) -> Counter[str]:
    """Return the cents of each line and total of the first column."""
    found: Counter[str] = Counter()
    for section in sections:
        found[section.title] += section.total[0].units
        for line in section.lines:
            found[f"{section.title}: {line.name}"] += line.amounts[0].units
    return found


def without_zeros(figures: Counter[str]) -> dict[str, int]:
    return {name: cents for name, cents in figures.items() if cents}


@pytest.fixture
def books(lone_app: Flask) -> Books:
    return Books(lone_app)


def test_random_year_closes_at_every_instant(books: Books) -> None:
    """Each statement closes to the cent, agrees with a calculation made here, is the sum of its
    branches, and stays the same when later entries come."""
    random = Random(1968)
    books.price(START - DAY, AU="2000", AG="20.125", PAXG="2001.5")
    instants, at = [START], START
    kept: list[tuple[datetime, datetime, BooksStatement]] = []
    for step in range(140):
        at += timedelta(seconds=random.randrange(1, 5 * 86_400))
        post_at_random(books, at, random)
        if step % 20 == 19:
            mids = {name: f"{random.uniform(*span):.6f}" for name, span in SPANS.items()}
            books.price(at + timedelta(hours=1), **mids)
            end = random.choice((at, at + timedelta(microseconds=1), at + 2 * DAY))
            start = random.choice(instants)
            instants.append(end)
            kept.append((start, end, books.read(start, end)))
            at = max(at, end)
        if step % 7 == 3:
            books.roll_up()
    for start, end, statement in kept:
        assert books.read(start, end) == statement
        check_statement(books, start, end, statement)
    # A day that was totalled, and its postings, say the same.
    books.roll_up()
    assert [books.read(start, end) for start, end, _ in kept] == [each for *_, each in kept]


def check_statement(
    books: Books, start: datetime, end: datetime, statement: BooksStatement
) -> None:
    sheet, income = statement.balance_sheet, statement.income_statement
    assert sheet is not None
    assert income is not None
    by_asset: Counter[str] = Counter()
    for line in statement.trial_balance:
        by_asset[line.balance.asset.code] += line.balance.units
    assert set(by_asset.values()) == {0}
    assets, liabilities, equity = ([each.units for each in section.total] for section in sheet)
    assert assets == [a + b for a, b in zip(liabilities, equity, strict=True)]
    assert equity == [books.net_assets(end)]
    [capital, *_] = sheet.equity.lines
    assert capital.amounts[0].units == books.paid_in(START, end)
    change = books.net_assets(end) - books.net_assets(start)
    assert income.net.amounts[0].units == change - books.paid_in(start, end)
    # Consolidated, all is the sum of head office and branches, to the cent.
    parts = [books.read(start, end, scope) for scope in books.scopes()]
    summed: Counter[str] = Counter()
    for part in parts:
        assert part.balance_sheet is not None
        assert part.income_statement is not None
        for name, cents in figures(
            [*part.balance_sheet, part.income_statement.income, part.income_statement.expenses]
        ).items():
            summed[name] += cents
    whole = figures([*sheet, income.income, income.expenses])
    assert without_zeros(summed) == without_zeros(whole)


def test_metal_in_a_branch_is_owed_to_head_office(books: Books) -> None:
    """The position is head office's, so a branch that holds ounces owes them, at the market."""
    [branch, _] = books.branches
    books.price(START, AU="2000")
    books.post(
        START + DAY,
        (chart.inventory_metal(XAU, branch), XAU.unit),
        (chart.position(XAU), -XAU.unit),
        (chart.inventory_premium(USD, branch), 50_00),
        (chart.position(USD), 2000_00),
        (chart.payables(USD, branch), -2050_00),
    )
    books.price(START + 2 * DAY, AU="2100")
    statement = books.read(START, START + 3 * DAY, ids.encode("brn", branch))
    assert statement.balance_sheet is not None
    assert without_zeros(figures(statement.balance_sheet)) == {
        "Assets": 2150_00,
        "Assets: Metal of goods that are not sold": 2100_00,
        "Assets: Cost of goods that are not sold, above their metal": 50_00,
        "Liabilities": 2150_00,
        "Liabilities: What we owe suppliers": 2050_00,
        "Liabilities: Owed to head office": 100_00,
    }
    whole = books.read(START, START + 3 * DAY)
    assert whole.income_statement is not None
    # An ounce bought at 2,000 is worth 2,100: unrealised, and apart from income.
    assert whole.income_statement.at_market.amounts[0].units == 100_00
    assert whole.income_statement.operating.amounts[0].units == 0


def test_asset_without_a_price_leaves_the_trial_balance_only(books: Books) -> None:
    books.post(START, (chart.position(XAG), 5), (chart.customer(books.customers[0], XAG), -5))
    statement = books.read(START, START + DAY)
    assert (statement.balance_sheet, statement.income_statement) == (None, None)
    assert statement.unpriced == [XAG]
    assert [(line.balance.units, line.value) for line in statement.trial_balance] == [
        (-5, None),
        (5, None),
    ]
