"""hledger reads the exported journal, and its `bs` and `is` say what our statements say."""

import csv
import shutil
import subprocess
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from flask import Flask

from app.books.rules import AccountKind
from app.catalog.rules import METAL_OF, PAXG
from tests.books.kept_books import DAY, START, Books, post_at_random

Totals = dict[tuple[AccountKind, str], Decimal]
#: Enough decimals for hledger to show every digit of a valued amount.
_EXACT = "0.000000000000000000 USD"
_SECTIONS = {
    "Assets": AccountKind.ASSET,
    "Liabilities": AccountKind.LIABILITY,
    "Revenues": AccountKind.INCOME,
    "Expenses": AccountKind.EXPENSE,
}
_OF_BALANCE_SHEETS = {AccountKind.ASSET, AccountKind.LIABILITY}
#: The year's first half, in whole days as hledger counts them.
END = START + 181 * DAY


def hledger(*words: object) -> str:
    program = shutil.which("hledger")
    if program is None:
        pytest.skip("needs the program hledger: apt install hledger")
    result = subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def read_totals(text: str) -> Totals:
    """Return the totals of a statement in bare layout, by section and commodity, without zeros."""
    totals: Totals = defaultdict(Decimal)
    section = None
    for row in csv.reader(text.splitlines()):
        section = _SECTIONS.get(row[0], section)
        # "Total:" in later versions.
        if row[0].lower().startswith("total") and section is not None:
            commodity, number = row[1], Decimal(row[2])
            if number:
                totals[section, commodity] += number
    return totals


def balances(books: Books, at: datetime) -> Totals:
    """Return our balances before an instant by kind and asset, without equity and zeros."""
    totals: Totals = defaultdict(Decimal)
    for line in books.read(START - DAY, at).trial_balance:
        if line.kind is not AccountKind.EQUITY:
            totals[line.kind, line.balance.asset.code.upper()] += line.kind.sign * Decimal(
                str(line.balance)
            )
    return {key: number for key, number in totals.items() if number}


@pytest.fixture
def journal(lone_app: Flask, tmp_path: Path) -> tuple[Books, Path]:
    """Random books of a year, exported, with the prices at the end of the half."""
    books, random, at = Books(lone_app), Random(1973), START
    books.price(START - DAY, AU="2000", AG="20.125", PAXG="2001.5")
    for _ in range(60):
        at += timedelta(seconds=random.randrange(1, 10 * 86_400))
        post_at_random(books, at, random)
    books.price(END - DAY, AU="2345.678901", AG="31.25", PAXG="2340")
    file = tmp_path / "books.hledger"
    words = ["books", "export", "--format", "hledger", "--output", str(file)]
    result = lone_app.test_cli_runner().invoke(args=words)
    assert result.exit_code == 0, result.output
    return books, file


def test_totals_of_each_asset_are_those_of_bs_and_is(journal: tuple[Books, Path]) -> None:
    """Exactly, unit by unit: at the end of a half, and over its second quarter."""
    books, file = journal
    start = START + 90 * DAY
    now, before = balances(books, END), balances(books, start)
    words = ("-f", file, "-O", "csv", "--layout=bare", "-e", f"{END:%Y-%m-%d}")
    assert read_totals(hledger("bs", *words)) == {
        key: number for key, number in now.items() if key[0] in _OF_BALANCE_SHEETS
    }
    moved = {
        key: number - before.get(key, 0)
        for key, number in now.items()
        if key[0] not in _OF_BALANCE_SHEETS and number != before.get(key, 0)
    }
    assert read_totals(hledger("is", *words, "-b", f"{start:%Y-%m-%d}")) == moved


def test_valued_totals_are_those_of_hledger_but_for_rounding_each_line(
    journal: tuple[Books, Path],
) -> None:
    """hledger rounds nothing; we round each class, branch and asset to the cent."""
    books, file = journal
    start = START + 90 * DAY
    statement = books.read(start, END)
    assert statement.balance_sheet is not None
    assert statement.income_statement is not None
    prices = file.with_name("prices.hledger")
    names = {**{code: metal.value for code, metal in METAL_OF.items()}, PAXG.code: "PAXG"}
    mids = {name: mid for _, name, mid in books.mids}
    prices.write_text(
        "".join(
            f'P {END - DAY:%Y-%m-%d} "{code.upper()}" {mids[name]} USD\n'
            for code, name in names.items()
            if name in mids
        )
    )
    words = (
        "-f", file, "-f", prices, "-O", "csv", "--layout=bare", "-e", f"{END:%Y-%m-%d}",
        "--value=end,USD", "-c", _EXACT,
    )  # fmt: skip
    valued = read_totals(hledger("bs", *words)) | read_totals(
        hledger("is", *words, "-b", f"{start:%Y-%m-%d}")
    )
    sheet, income = statement.balance_sheet, statement.income_statement
    ours = {
        AccountKind.ASSET: sheet.assets,
        AccountKind.LIABILITY: sheet.liabilities,
        AccountKind.INCOME: income.income,
        AccountKind.EXPENSE: income.expenses,
    }
    assert {section for section, _ in valued} == set(ours)
    lines = 3 * len(statement.trial_balance)
    for kind, section in ours.items():
        [total] = section.total
        assert abs(Decimal(str(total)) - valued[kind, "USD"]) <= lines * Decimal("0.005"), kind
