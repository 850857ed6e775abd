"""Real input: 100 dollars of gold each month from January 1968 on, at that month's real price.

At the end the books are compared, to the last minor unit, with a calculation written here from the
API contract alone, and with the totals of Beancount and hledger.
"""

import csv
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest
import time_machine
from beancount import loader
from beancount.core import realization
from flask import Flask

from app.catalog.rules import Metal
from app.identity.models import LoginSession
from app.identity.sign_in.access_tokens import AccessTokens
from app.integrations.replay.feed import ReplayFeed
from app.kit.db import Database
from app.kit.ports import resolve
from app.ledger import queries as ledger_queries
from app.pricing.rules import PriceSettings, PricingRules
from app.pricing.service import record_ticks
from tests.api_client import ApiClient
from tests.people import People
from tests.rows import read_values
from tests.vault.goods import Goods

FROM = "1968-01"
MONTHLY = "100.00"
#: From the product's price list and the wire contract: 40 bps from bid to ask, 0.5 % fee.
SPREAD, FEE = Fraction(40, 10_000), Fraction(5, 1000)
OUNCE, CENT = 10**8, Fraction(1, 100)


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


@dataclass
class Expected:
    """The expected books, in integer cents and hundred-millionths of an ounce."""

    months: int = 0
    ounces: int = 0
    fees: int = 0
    spread: int = 0
    rounding: int = 0
    position_dollars: int = 0
    bought: list[tuple[str, str]] = field(default_factory=list)

    def buy(self, cents: int, price: str) -> None:
        """Add a month's purchase. The ask is half the spread above the price, rounded up to 6
        decimals."""
        mid = Fraction(price)
        ask = Fraction(ceil(mid * (1 + SPREAD / 2) * 10**6), 10**6)
        fee = half_up(cents * FEE)
        units = floor((cents - fee) * CENT / ask * OUNCE)
        # The rest after the fee: its worth at mid, the spread, and the remainder of truncation.
        worth = half_up(Fraction(units, OUNCE) * mid / CENT)
        spread = half_up(Fraction(units, OUNCE) * (ask - mid) / CENT)
        self.months += 1
        self.ounces += units
        self.fees += fee
        self.spread += spread
        self.rounding += cents - fee - worth - spread
        self.position_dollars += worth
        self.bought.append((decimal(units, 8), decimal(int(ask * 10**6), 6)))

    def totals(self) -> dict[tuple[str, str], Decimal]:
        """Return the total of each account class and asset, debit positive, without zeros."""
        paid = self.months * 10_000  # paid out of capital, so a debit there
        units = {
            ("equity:capital", "USD"): paid,
            ("liability:customer:trading", "XAU-S"): -self.ounces,
            ("equity:position", "XAU-S"): self.ounces,
            ("equity:position", "USD"): -self.position_dollars,
            ("income:fees", "USD"): -self.fees,
            ("income:spread", "USD"): -self.spread,
            ("income:rounding", "USD"): -self.rounding,
        }
        return {
            key: Decimal(decimal(value, 2 if key[1] == "USD" else 8))
            for key, value in units.items()
            if value
        }


def decimal(units: int, scale: int) -> str:
    sign, digits = "-" if units < 0 else "", str(abs(units)).rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


@pytest.fixture
def prices(shared_data: Path) -> Path:
    return shared_data / "prices" / "gold_usd_monthly.csv"


def months_of(prices: Path) -> list[tuple[datetime, str]]:
    """Return the file's rows from 1968 on, read without our own code."""
    with prices.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        (datetime.strptime(row["Date"], "%Y-%m").replace(tzinfo=UTC), row["Price"])
        for row in rows
        if row["Date"] >= FROM
    ]


def buy_each_month(app: Flask, me: ApiClient, prices: Path) -> Expected:
    """Buy in every month through the API, and check each order."""
    database: Database = app.extensions["database"]
    # Rounded averages of two months are sometimes the same.
    feed, rules = ReplayFeed(prices, Metal.AU), PricingRules(PriceSettings(repeat_seconds=10**9))
    session_id = session_of(me)
    expected = Expected()
    with time_machine.travel(0, tick=False) as traveller:
        for month, price in months_of(prices):
            traveller.move_to(month)
            with database.transaction() as session:
                results = record_ticks(session, {feed.name: feed.fetch(month)}, month, rules)
            assert [result.outcome for result in results.values()] == ["accepted"]
            # A new token of the same session, as a refresh at that time would return.
            me.token, _ = resolve(AccessTokens).issue(
                user_id=me.user_id,
                session_id=session_id,
                session_expires_at=month.replace(year=month.year + 1),
            )
            body = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": MONTHLY}
            order = me.ok(201, me.post("/api/trade/order", body))
            expected.buy(10_000, price)
            assert (order["toAmount"], order["price"]) == expected.bought[-1]
            assert order["executedAt"] == f"{month:%Y-%m-%d}T00:00:00.000Z"
    me.sign_in()
    return expected


def session_of(me: ApiClient) -> object:
    database: Database = me.app.extensions["database"]
    with database.reading() as session:
        return read_values(session, LoginSession.id, LoginSession.user_id == me.user_id)[0]


def summed(lines: Iterator[tuple[str, str, Decimal]]) -> dict[tuple[str, str], Decimal]:
    """Return totals by account class and asset, without the customer's id and without zeros."""
    totals: Counter[tuple[str, str]] = Counter()
    for account, asset, amount in lines:
        parts = account.lower().replace("_", "-").split(":")
        name = ":".join(part for part in parts if not part.startswith("usr-"))
        singular = {"assets": "asset", "liabilities": "liability", "expenses": "expense"}
        head, _, tail = name.partition(":")
        totals[f"{singular.get(head, head)}:{tail}", asset.upper()] += amount
    return {key: total for key, total in totals.items() if total}


def books(app: Flask, *words: str) -> str:
    result = app.test_cli_runner().invoke(args=["books", *words])
    assert result.exit_code == 0, result.output
    return result.output


def hledger() -> str:
    path = shutil.which("hledger")
    if path is None:
        pytest.skip("needs the program hledger: apt install hledger")
    return path


def run(*words: object) -> str:
    result = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def totals_of_beancount(file: Path) -> dict[tuple[str, str], Decimal]:
    run(Path(sys.executable).with_name("bean-check"), file)
    entries, errors, _ = loader.load_file(str(file))
    assert errors == []
    return summed(
        (account.account, position.units.currency, position.units.number)
        for account in realization.iter_children(realization.realize(entries))
        for position in account.balance
    )


def totals_of_hledger(file: Path) -> dict[tuple[str, str], Decimal]:
    program = hledger()
    run(program, "-f", file, "check", "--strict")
    # One line for each account and commodity, each with the account's name.
    listed = run(program, "-f", file, "bal", "-O", "csv", "--flat", "-N", "--layout=bare")
    rows = list(csv.reader(listed.splitlines()))
    assert rows.pop(0) == ["account", "commodity", "balance"]
    return summed((account, asset, Decimal(balance)) for account, asset, balance in rows)


def totals_of_ours(database: Database) -> dict[tuple[str, str], Decimal]:
    with database.reading() as session:
        accounts = ledger_queries.account_balances(session)
    return summed(
        (
            f"{line.kind}:{line.account_class.replace('.', ':')}",
            line.asset,
            Decimal(decimal(line.units, 2 if line.asset == "USD" else 8)),
        )
        for line in accounts
    )


def test_books_agree_with_an_independent_calculation(
    lone_app: Flask, prices: Path, tmp_path: Path
) -> None:
    database: Database = lone_app.extensions["database"]
    me = ApiClient(lone_app)
    me.register()
    months = months_of(prices)
    assert len(months) >= 700
    with time_machine.travel(months[0][0], tick=False):
        me.credit(USD=f"{len(months)}00.00")
    expected = buy_each_month(lone_app, me, prices)

    # Over HTTP the customer has spent every dollar, and every order is in the history.
    assert me.available_balances() == {"XAU-s": decimal(expected.ounces, 8)}
    orders = list(history(me))
    assert [order["toAmount"] for order in orders] == [b[0] for b in reversed(expected.bought)]
    fees = sum(Decimal(order["fee"]["amount"]) for order in orders)
    assert fees == Decimal(decimal(expected.fees, 2)) == Decimal("0.50") * len(months)

    # Our own totals, those of the two programs and the independent ones are the same.
    assert totals_of_ours(database) == expected.totals()
    verified = books(lone_app, "verify")
    assert f"{len(months) + 1} entries" in verified
    for form, totals_of in (("beancount", totals_of_beancount), ("hledger", totals_of_hledger)):
        file = tmp_path / f"books.{form}"
        books(lone_app, "export", "--format", form, "--output", str(file))
        assert totals_of(file) == expected.totals(), form


def history(me: ApiClient) -> Iterator[dict[str, object]]:
    cursor: dict[str, str] = {}
    while True:
        page = me.ok(200, me.get("/api/trade/history", limit=100, **cursor))
        yield from page["data"]
        if page["nextCursor"] is None:
            return
        cursor = {"cursor": page["nextCursor"]}


@pytest.mark.parametrize("form", ["beancount", "hledger"])
def test_control_accounting_programs_detect_a_wrong_cent(
    lone_app: Flask, tmp_path: Path, form: str
) -> None:
    """With one amount changed in the exported file, the program rejects it: money, metal, goods."""
    ApiClient.create_customer(lone_app, USD="100.00", XAU_s="1.00000001")
    goods = Goods.at_a_new_location(People(lone_app.extensions["database"]))
    goods.receive(units="7")
    sku = goods.sku if form == "beancount" else f'"{goods.sku}"'
    text = books(lone_app, "export", "--format", form)
    file = tmp_path / f"books.{form}"
    totals_of = totals_of_beancount if form == "beancount" else totals_of_hledger
    file.write_text(text)
    totals_of(file)
    changes = (
        (" 100.00 USD", " 100.01 USD"),
        ("1.00000001 ", "1.00000002 "),
        (f" 7 {sku}", f" 8 {sku}"),
    )
    for right, wrong in changes:
        assert right in text
        file.write_text(text.replace(right, wrong, 1))
        with pytest.raises(AssertionError):
            totals_of(file)


def test_whole_price_file_can_be_replayed(lone_app: Flask, prices: Path) -> None:
    """`flask prices replay` stores every month since 1833 once."""
    database: Database = lone_app.extensions["database"]
    with prices.open(encoding="utf-8", newline="") as lines:
        rows = [(row["Date"], Decimal(row["Price"])) for row in csv.DictReader(lines)]
    for new in (len(rows), 0):
        result = lone_app.test_cli_runner().invoke(
            args=["prices", "replay", str(prices), "--metal", "AU"]
        )
        assert result.exit_code == 0, result.output
        assert f"{new:,} new prices stored, {len(rows) - new} stored before." in result.output
    with database.reading() as session:
        stored = session.rows(
            "SELECT to_char(observed_at AT TIME ZONE 'UTC', 'YYYY-MM'), mid FROM ticks"
            " WHERE metal = 'AU' AND source = 'replay' ORDER BY observed_at"
        )
        market = session.rows("SELECT as_of, mid FROM market_prices WHERE metal = 'AU'")
    assert stored == rows
    last = datetime.strptime(rows[-1][0], "%Y-%m").replace(tzinfo=UTC)
    assert market == [(last, rows[-1][1])]
    # An old price is stale.
    me = ApiClient.create_customer(lone_app, USD="100.00")
    assert me.get("/api/trade/prices").json["data"][0]["stale"] is True
