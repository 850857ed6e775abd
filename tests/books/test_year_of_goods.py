"""A year of deliveries, sales, transfers and conversions: what the statements say was earned is the
change of what PBCEx owns, and is what an independent calculation says, to the cent."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from random import Random

import pytest
import time_machine
from flask import Flask

from app.access import Actor, Role
from app.books import queries as books_queries
from app.books.periods import BooksPeriod, ComparedPeriod
from app.books.queries import BooksStatement
from app.catalog.rules import USD, XAU
from app.kit import ids
from app.kit.db import SNAPSHOT, Database
from app.kit.money import Amount
from app.ledger import chart
from app.trading import service as trading
from app.trading.service import RequestedConversion
from app.vault.lots.errors import InsufficientStock
from app.vault.stock.service import SoldGoods
from app.vault.transfers import service as stock_transfers
from tests.people import People, set_prices
from tests.vault.goods import Goods, post_sale

START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
ACTS = 150
#: From the product's price list: 40 bps from bid to ask, 0.5 % fee.
SPREAD, FEE = Fraction(40, 10_000), Fraction(5, 1000)
OUNCE = 10**8


def half_up(exact: Fraction) -> int:
    return (1 if exact >= 0 else -1) * floor(abs(exact) + Fraction(1, 2))


@dataclass
class Expected:
    """What the year comes to, in integer cents and hundred-millionths of an ounce."""

    mid: Fraction = Fraction(0)
    #: What is left of each lot, by its number: units and premium, by shelf.
    lots: tuple[dict[int, list[int]], ...] = field(default_factory=lambda: ({}, {}))
    deliveries: int = 0
    #: Cents of each line of the income statement.
    income: Counter[str] = field(default_factory=Counter)
    payables: int = 0
    customers_usd: int = 0
    customers_gold: int = 0

    def worth(self, ounces: int, price: Fraction) -> int:
        return half_up(Fraction(ounces, OUNCE) * price * 100)

    def receive(self, shelf: int, units: int, cost: int) -> None:
        self.deliveries += 1
        self.lots[shelf][self.deliveries] = [units, cost - self.worth(units * OUNCE, self.mid)]
        self.payables += cost

    def take(self, shelf: int, units: int) -> dict[int, tuple[int, int]]:
        """Take units of the first lots; return units and premium by lot."""
        taken = {}
        for number, lot in sorted(self.lots[shelf].items()):
            count = min(lot[0], units)
            if count:
                premium = half_up(Fraction(lot[1] * count, lot[0]))
                lot[0], lot[1], units = lot[0] - count, lot[1] - premium, units - count
                taken[number] = (count, premium)
        return taken

    def move(self, shelf: int, there: int, units: int) -> None:
        for number, (count, premium) in self.take(shelf, units).items():
            lot = self.lots[there].setdefault(number, [0, 0])
            lot[0], lot[1] = lot[0] + count, lot[1] + premium

    def sell(self, shelf: int, units: int, price: int, spot: Fraction) -> None:
        cost = sum(premium for _, premium in self.take(shelf, units).values())
        self.income["sales.premium"] += price - self.worth(units * OUNCE, spot)
        self.income["sales.premium_cost"] += cost
        self.customers_usd -= price

    def convert(self, cents: int) -> None:
        ask = Fraction(ceil(self.mid * (1 + SPREAD / 2) * 10**6), 10**6)
        fee = half_up(cents * FEE)
        units = floor((cents - fee) / ask / 100 * OUNCE)
        spread = half_up(Fraction(units, OUNCE) * (ask - self.mid) * 100)
        self.income["fees"] += fee
        self.income["spread"] += spread
        self.income["rounding"] += cents - fee - spread - self.worth(units, self.mid)
        self.customers_usd -= cents
        self.customers_gold += units

    def net_assets(self) -> int:
        """Return goods at market and at cost, less what suppliers and customers are owed."""
        goods = sum(
            self.worth(sum(units for units, _ in lots.values()) * OUNCE, self.mid)
            + sum(premium for _, premium in lots.values())
            for lots in self.lots
        )
        gold = self.worth(self.customers_gold, self.mid)
        return goods - self.payables - self.customers_usd - gold


@dataclass
class Business:
    """One coin at two branches, a customer with money, and staff who move goods."""

    database: Database
    shelves: list[Goods]
    customer: Actor
    staff: Actor
    expected: Expected

    def act(self, random: Random) -> None:
        """Do one thing that a business does."""
        shelf = random.randrange(2)
        [self.receive, self.sell, self.sell, self.transfer, self.convert][random.randrange(5)](
            shelf, random
        )

    def receive(self, shelf: int, random: Random) -> None:
        units = random.randrange(1, 12)
        mid = self.expected.mid
        cost = floor(units * mid * 100 * random.randrange(990, 1060) / 1000)
        spot = str(Decimal(mid.numerator) / mid.denominator)
        self.shelves[shelf].receive(units=str(units), cost=str(Amount(USD, cost)), spot=spot)
        self.expected.receive(shelf, units, cost)

    def sell(self, shelf: int, random: Random) -> None:
        goods, units = self.shelves[shelf], random.randrange(1, 5)
        spot = Decimal(random.randrange(1_900_000_000, 4_100_000_000)).scaleb(-6)
        price = floor(units * Fraction(spot) * random.randrange(100, 108))
        sold = SoldGoods(goods.units(units), Amount(USD, price), spot)
        payer = chart.customer(self.customer.user_id, USD)
        try:
            with self.database.transaction() as session:
                post_sale(session, sold, self.customer.user_id, payer, f"sale:{ids.new()}")
        except InsufficientStock:
            return
        self.expected.sell(shelf, units, price, Fraction(spot))

    def transfer(self, shelf: int, random: Random) -> None:
        units, there = random.randrange(1, 4), 1 - shelf
        sku, codes = self.shelves[0].sku, [goods.location.code for goods in self.shelves]
        try:
            with self.database.transaction() as session:
                transfer_id = stock_transfers.send_goods(
                    session,
                    self.staff,
                    origin=codes[shelf],
                    destination=codes[there],
                    units_by_sku={sku: units},
                )
                stock_transfers.receive(session, self.staff, transfer_id, {sku: units})
        except InsufficientStock:
            return
        self.expected.move(shelf, there, units)

    def convert(self, _shelf: int, random: Random) -> None:
        paid = Amount(USD, random.randrange(100, 1_000_000))
        with self.database.transaction() as session:
            wanted = RequestedConversion(USD, XAU, paid, None)
            trading.convert_at_market(session, self.customer, wanted)
        self.expected.convert(paid.units)

    def price(self, mid: str) -> None:
        """Let gold have this mid from now on."""
        set_prices(self.database, AU=mid, PAXG=mid)
        self.expected.mid = Fraction(mid)

    def statement(self) -> BooksStatement:
        """Return the statements of the year."""
        with self.database.transaction(SNAPSHOT) as session:
            [whole, *_] = books_queries.list_scopes(session)
            return books_queries.read_statement(
                session, whole, BooksPeriod(START, START + YEAR), ComparedPeriod.NONE
            )


@pytest.fixture
def business(lone_app: Flask) -> Business:
    people = People(lone_app.extensions["database"])
    with time_machine.travel(START, tick=False):
        first = Goods.at_a_new_location(people)
        second = replace(Goods.at_a_new_location(people), sku=first.sku)
        customer, staff = people.customer(USD="2000000.00"), people.staff(Role.INVENTORY)
        business = Business(people.database, [first, second], customer, staff, Expected())
        business.expected.customers_usd = 2_000_000_00
        business.price("2500")
    return business


def test_year_earns_the_change_of_net_assets_and_what_is_calculated_apart(
    business: Business,
) -> None:
    random, at = Random(2025), START
    for _ in range(ACTS):
        at += YEAR / (ACTS + 1)
        with time_machine.travel(at, tick=False):
            # Prices are accepted for a minute: each act has its own.
            business.price(str(Decimal(random.randrange(2_000_000_000, 4_000_000_000)).scaleb(-6)))
            business.act(random)
    with time_machine.travel(START + YEAR, tick=False):
        statement = business.statement()
    income, expected = statement.income_statement, business.expected
    assert income is not None
    lines = (*income.income.lines, *income.expenses.lines)
    assert {line.account_class: line.amounts[0].units for line in lines if line.amounts[0]} == {
        name: cents for name, cents in expected.income.items() if cents
    }
    # What customers were given in the beginning came out of capital.
    assert income.net.amounts == (Amount(USD, expected.net_assets() + 2_000_000_00),)
    assert statement.balance_sheet is not None
    assert statement.balance_sheet.equity.total == (Amount(USD, expected.net_assets()),)
