"""A month of three branches with mistakes and thefts, against a model of what is really there.

The model has the notes in each drawer, safe and pocket. What the books do not know is what went
wrong, and each close has to find just that, at the drawer where it happened.
"""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from app.access import Actor
from app.catalog.rules import USD
from app.counter.drawers import closing
from app.counter.drawers import service as drawers
from app.counter.drawers.rules import CashPieces, DrawerStatus, suggest
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from tests.counter.tills import SAFE, Branch, cash
from tests.drill import choose_size, seeded_random
from tests.people import People

DAYS = choose_size(8, 250)
FLOAT = cash(usd_2000=5, usd_1000=5, usd_500=6, usd_100=20, usd_1=50)


@dataclass
class DrawerOfDay:
    """What is really in a drawer, and what went wrong with it."""

    teller: Actor
    id: UUID
    really: CashPieces
    lost: CashPieces = field(default_factory=CashPieces)


@dataclass
class Month:
    """A branch with what is really in its safe, and the variances that it must have found."""

    branch: Branch
    random: Random
    customer: Actor
    colleague: Actor
    safe: CashPieces = SAFE
    expected: list[int] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def work(self, tellers: list[Actor]) -> None:
        """Play a day."""
        opened = []
        for teller in tellers:
            drawer_id = self.branch.open_drawer(teller, FLOAT)
            self.safe -= FLOAT
            opened.append(DrawerOfDay(teller, drawer_id, FLOAT))
        for _ in range(self.random.randrange(3, 8)):
            self.act(self.random.choice(opened))
        for drawer in opened:
            self.close(drawer)

    def act(self, drawer: DrawerOfDay) -> None:
        """Serve a customer or move cash; sometimes it goes wrong without a trace in the books."""
        kind = self.random.choice(("take in", "drop", "refill", "miscount", "theft", "change"))
        self.kinds[kind] += 1
        if kind == "take in":
            pieces = cash(usd_10000=self.random.randrange(1, 9), usd_1=self.random.randrange(9))
            with self.branch.database.transaction() as session:
                self.branch.take_in(session, drawer.teller, self.customer, pieces)
            drawer.really += pieces
        elif kind == "drop":
            self.move(drawer, cash(usd_10000=drawer.really.counts[0]))
        elif kind == "refill":
            self.move(drawer, -cash(usd_500=2))
        elif kind == "change":
            # A customer got five ones for a five: worth the same, other notes.
            changed = cash(usd_500=1, usd_100=-5)
            if (drawer.really + changed).is_payable:
                drawer.really += changed
        else:
            amount = Amount(USD, self.random.randrange(1, 40_00))
            taken = suggest(amount, drawer.really)
            if taken is not None:
                sign = 1 if kind == "miscount" and self.random.random() < 0.5 else -1
                drawer.lost += taken if sign > 0 else -taken
                drawer.really += taken if sign > 0 else -taken

    def move(self, drawer: DrawerOfDay, pieces: CashPieces) -> None:
        """Carry pieces to the safe; those that are negative come from it."""
        if not pieces:
            return
        with self.branch.database.transaction() as session:
            if pieces.is_payable:
                drawers.drop(session, drawer.teller, pieces)
            else:
                drawers.refill(session, drawer.teller, -pieces)
        drawer.really -= pieces
        self.safe += pieces

    def close(self, drawer: DrawerOfDay) -> None:
        """Count what is really there; a colleague confirms what is large."""
        status = self.branch.count(drawer.really, drawer.teller)
        if status is DrawerStatus.COUNTED:
            with self.branch.database.transaction() as session:
                closing.settle_variance(session, drawer.teller, witness_id=self.colleague.user_id)
        variance = self.branch.drawer(drawer.id).variance
        assert variance is not None
        self.expected.append(drawer.lost.amount.units)
        self.found.append(variance.units)
        self.safe += drawer.really


def test_month_of_three_branches_finds_each_variance_where_it_was_made(
    database: Database, people: People
) -> None:
    random = seeded_random("a month")
    months = []
    for _ in range(3):
        branch = Branch.with_cash(people)
        months.append(Month(branch, random, people.customer(), branch.hire()))
    staff = [[month.branch.teller, month.branch.hire()] for month in months]
    for _day in range(DAYS):
        for month, tellers in zip(months, staff, strict=True):
            month.work(tellers)
    for month in months:
        assert month.found == month.expected
        assert month.branch.safe() == month.safe
        assert month.branch.over_short() == -sum(month.expected)
        with database.reading() as session:
            safe = ledger_queries.account_balance(session, chart.branch_cash(USD, month.branch.id))
        assert safe == month.safe.amount.units
    played = sum((month.kinds for month in months), Counter[str]())
    assert played.keys() >= {"take in", "drop", "refill", "miscount", "theft", "change"}
    assert any(amount for month in months for amount in month.expected)
