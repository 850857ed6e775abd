"""Books that a test posts to at chosen times, and the same kept in a list."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from random import Random
from uuid import UUID, uuid4

from flask import Flask

from app.books import queries as books_queries
from app.books.periods import BooksPeriod, ComparedPeriod
from app.books.queries import BooksStatement
from app.branches.rules import HEAD_OFFICE
from app.catalog.rules import PAXG, USD, XAG, XAU, parse_priced
from app.kit import ids
from app.kit.db import SNAPSHOT, Database
from app.kit.money import Asset
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountClass, AccountKey
from app.pricing.ports import Observation
from app.pricing.rules import PricingRules
from app.pricing.service import record_history
from tests.people import People

DAY = timedelta(days=1)
START = datetime(2025, 1, 1, tzinfo=UTC)
CLASS = AccountClass
KINDS = {
    CLASS.CUSTOMER_FUNDING: "liability",
    CLASS.CUSTOMER_TRADING: "liability",
    CLASS.PAYABLES: "liability",
    CLASS.BANK: "asset",
    CLASS.CUSTODY: "asset",
    CLASS.INVENTORY_METAL: "asset",
    CLASS.INVENTORY_PREMIUM: "asset",
    CLASS.CAPITAL: "equity",
    CLASS.POSITION: "equity",
    CLASS.FEES: "income",
    CLASS.PROCESSING_COSTS: "expense",
}
SPANS = {"AU": (1500.0, 4500.0), "AG": (15.0, 60.0), "PAXG": (1500.0, 4500.0)}


class Books:
    """The books of one application, posted to at chosen times, and the same kept in a list."""

    def __init__(self, app: Flask) -> None:
        self.database: Database = app.extensions["database"]
        people = People(self.database)
        self.branches = [people.branch(), people.branch()]
        self.customers = [people.customer().user_id for _ in range(2)]
        self.posted: list[tuple[datetime, AccountKey, int]] = []
        self.mids: list[tuple[datetime, str, Decimal]] = []

    def post(self, at: datetime, *postings: tuple[AccountKey, int]) -> None:
        """Post an entry: debit positive."""
        with self.database.transaction() as session:
            ledger.post(
                session,
                cause="test",
                reference=f"test:{uuid4()}",
                posted_at=at,
                postings=[ledger.NewPosting(account, units) for account, units in postings],
            )
        self.posted += [(at, account, units) for account, units in postings]

    def price(self, at: datetime, **mids: str) -> None:
        """Accept these mids from an instant on."""
        observations = [
            Observation(parse_priced(name), None, None, Decimal(mid), at)
            for name, mid in mids.items()
        ]
        with self.database.transaction() as session:
            record_history(session, "test", observations, at, PricingRules())
        self.mids += [(at, name, Decimal(mid)) for name, mid in mids.items()]

    def roll_up(self) -> None:
        """Total the days, as the job does."""
        with self.database.transaction() as session:
            ledger.roll_up(session)

    def scopes(self) -> list[str]:
        """Return the scopes of head office and of each branch."""
        return [ids.encode("brn", branch) for branch in (HEAD_OFFICE, *self.branches)]

    def read(
        self,
        start: datetime,
        end: datetime,
        scope: str = "all",
        comparison: ComparedPeriod = ComparedPeriod.NONE,
    ) -> BooksStatement:
        """Return the statements of a period."""
        with self.database.transaction(SNAPSHOT) as session:
            scopes = books_queries.list_scopes(session)
            [chosen] = [each for each in scopes if each.key == scope]
            return books_queries.read_statement(
                session, chosen, BooksPeriod(start, end), comparison
            )

    def cents(self, asset: Asset, units: int, at: datetime) -> int:
        """Return what units are worth before an instant: calculated here, half away from zero."""
        if asset.code in {"USD", "USDC"}:
            mid = Fraction(1)
        else:
            name = {"XAU-s": "AU", "XAG-s": "AG", "PAXG": "PAXG"}[asset.code]
            _, mid = max(
                (when, Fraction(m)) for when, n, m in self.mids if n == name and when <= at
            )
        exact = abs(units) * mid * 100 / asset.unit
        return (1 if units > 0 else -1) * floor(exact + Fraction(1, 2))

    def net_assets(self, at: datetime) -> int:
        """Return the net assets, in cents: each class, branch and asset rounded by itself."""
        totals: Counter[tuple[str, UUID, Asset]] = Counter()
        for when, account, units in self.posted:
            if when < at and KINDS[account.account_class] in {"asset", "liability"}:
                owner = account.owner_id if account.owner_id in self.branches else HEAD_OFFICE
                totals[account.account_class, owner, account.asset] += units
        return sum(self.cents(asset, units, at) for (_, _, asset), units in totals.items())

    def paid_in(self, start: datetime, end: datetime) -> int:
        """Return the capital that was paid in over a period, at the price of each moment."""
        return -sum(
            self.cents(account.asset, units, when)
            for when, account, units in self.posted
            if start <= when < end and account.account_class is CLASS.CAPITAL
        )


def post_at_random(books: Books, at: datetime, random: Random) -> None:
    """Post one of the things that happen in a business."""
    bank = chart.bank(USD, uuid4())
    custody = chart.custody(PAXG, UUID(int=7))
    customer, branch = random.choice(books.customers), random.choice(books.branches)
    cents, units = random.randrange(1, 90_000_00), random.randrange(1, 9 * 10**8)
    metal = random.choice((XAU, XAG))
    act = random.randrange(7)
    if act == 0:
        books.post(at, (bank, cents), (chart.capital(USD), -cents))
    elif act == 1:
        books.post(at, (custody, units), (chart.capital(PAXG), -units))
    elif act == 2:
        books.post(at, (bank, cents), (chart.customer(customer, USD), -cents))
    elif act == 3:
        position = chart.position(metal)
        books.post(at, (position, units), (chart.customer(customer, metal), -units))
    elif act == 4:
        fees = AccountKey(random.choice((USD, metal)), CLASS.FEES)
        books.post(at, (AccountKey(fees.asset, CLASS.POSITION), cents), (fees, -cents))
    elif act == 5:
        books.post(
            at,
            (chart.inventory_metal(metal, branch), units),
            (chart.position(metal), -units),
            (chart.inventory_premium(USD, branch), cents // 10),
            (chart.position(USD), cents),
            (chart.payables(USD, branch), -(cents + cents // 10)),
        )
    else:
        books.post(at, (chart.processing_costs(USD), cents // 100 + 1), (bank, -(cents // 100 + 1)))
