"""Three years of random movements, prices and rates, calculated again without the database."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

from flask import Flask

from app.access import Actor
from app.catalog.rules import TRADABLE
from app.kit.db import Session
from app.kit.money import Amount
from app.storage_fees import accruals
from app.storage_fees.rules import StorageFeeRules
from tests.drill import seeded_random
from tests.people import People
from tests.storage_fees.customers import Vault, accept_price, book, change_setting

#: With the leap day of 2024.
FIRST, NEXT = date(2023, 7, 1), date(2026, 7, 1)
ASSETS = {"AU": "XAU-s", "AG": "XAG-s", "CU": "XCU-s"}
UNIT = 10**8


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@dataclass
class History:
    """What happened, in the order of time: the newest entry of each list is the last."""

    balances: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    prices: dict[str, Decimal] = field(default_factory=dict)
    rates: dict[str, Decimal] = field(default_factory=dict)
    free: dict[str, Decimal] = field(default_factory=dict)
    #: Cents by customer, month and metal, exact.
    due: defaultdict[tuple[str, date, str], Fraction] = field(
        default_factory=lambda: defaultdict(Fraction)
    )


class ThreeYears:
    """Lives through the days, books what chance brings, and keeps its own accounts of it."""

    def __init__(self, random: Random, customers: Sequence[Actor]) -> None:
        self.random, self.customers, self.history = random, customers, History()
        defaults = StorageFeeRules()
        for metal in ASSETS:
            lower = metal.lower()
            self.history.rates[metal] = getattr(defaults, f"rate_{lower}")
            self.history.free[metal] = getattr(defaults, f"free_{lower}")

    def live(self, session: Session, day: date) -> None:
        """Book the events of a day, and add up what it costs."""
        self._change_settings(session, day)
        self._change_prices(session, day)
        self._move_metal(session, day)
        self._add_up(day)

    def _instant(self, day: date) -> datetime:
        """Return an instant of the day, often its very first."""
        seconds = self.random.choice([0, self.random.randrange(86_400), 86_399])
        return midnight(day) + timedelta(seconds=seconds)

    def _change_settings(self, session: Session, day: date) -> None:
        for metal in ASSETS:
            for name, values, limit in (
                ("rate", self.history.rates, "1.5"), ("free", self.history.free, "20"),
            ):  # fmt: skip
                if self.random.random() < 0.02:
                    value = Decimal(self.random.randrange(int(Decimal(limit) * 100))) / 100
                    change_setting(
                        session, f"{name}_{metal.lower()}", str(value), self._instant(day)
                    )
                    values[metal] = value

    def _change_prices(self, session: Session, day: date) -> None:
        for metal, around in (("AU", 4000), ("AG", 50), ("CU", 1)):
            if day == FIRST or self.random.random() < 0.8:
                mid = Decimal(self.random.randrange(around * 500_000, around * 1_500_000)) / 10**6
                # The price of 24:00 counts, and not the one that was accepted before it.
                for at, price in (
                    (midnight(day) + timedelta(hours=12), mid + 7),
                    (midnight(day + timedelta(days=1)), mid),
                ):
                    accept_price(session, metal, at, str(price))
                self.history.prices[metal] = mid

    def _move_metal(self, session: Session, day: date) -> None:
        for customer in self.customers:
            metal = self.random.choice(list(ASSETS))
            if self.random.random() > 0.15:
                continue
            key = (str(customer.user_id), metal)
            balance = self.history.balances[key]
            units = self.random.randrange(1, 100 * UNIT)
            if balance and self.random.random() < 0.5:
                units = -self.random.randrange(1, balance + 1)
            self.history.balances[key] += units
            amount = Amount(TRADABLE[ASSETS[metal]], units)
            book(session, customer.user_id, self._instant(day), ASSETS[metal], str(amount))

    def _add_up(self, day: date) -> None:
        for (customer, metal), units in self.history.balances.items():
            excess = Fraction(units, UNIT) - Fraction(self.history.free[metal])
            if excess > 0:
                value = excess * Fraction(self.history.prices[metal])
                fee = value * Fraction(self.history.rates[metal]) / 100 / 365
                self.history.due[customer, day.replace(day=1), metal] += fee * 100

    def expected(self) -> dict[tuple[str, date, str], int]:
        """Return the cents by customer, month and metal; each half up."""
        whole = {key: int(cents + Fraction(1, 2)) for key, cents in self.history.due.items()}
        return {key: cents for key, cents in whole.items() if cents}


def test_three_years_cost_to_the_cent_what_an_independent_calculation_says(lone_app: Flask) -> None:
    database = lone_app.extensions["database"]
    vault = Vault(database, People(database))
    customers = [vault.customer() for _ in range(6)]
    years = ThreeYears(seeded_random("storage"), customers)
    month = FIRST
    while month < NEXT:
        following = (month + timedelta(days=31)).replace(day=1)
        with database.transaction() as session:
            day = month
            while day < following:
                years.live(session, day)
                accruals.accrue_day(session, day)
                day += timedelta(days=1)
            accruals.close_month(session, month)
        month = following
    charged = {
        (str(customer.user_id), charge.month, metal.value): fee.units
        for customer in customers
        for charge in vault.charges(customer)
        for metal, fee in charge.fees.items()
    }
    assert charged == years.expected()
    assert len(charged) > 300
