"""Reads of the books: now, in the past, and during concurrent writes."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.catalog.rules import USD, XAU
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.chart import AccountClass, AccountKey
from app.ledger.queries import CustomerBalance
from app.ledger.service import NewPosting
from tests.people import People

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def owner() -> UUID:
    """Return an owner of house accounts that no other test posts to."""
    return uuid4()


def earn(session: Session, owner: UUID, units: int, at: datetime = NOW) -> None:
    """Post fees of this owner out of its capital."""
    ledger.post(
        session,
        cause="test",
        reference=uuid4().hex,
        posted_at=at,
        postings=[
            NewPosting(AccountKey(USD, AccountClass.CAPITAL, owner), units),
            NewPosting(AccountKey(USD, AccountClass.FEES, owner), -units),
        ],
    )
    session.flush()


def fees_of(session: Session, owner: UUID) -> int:
    """Return the fees account's units, debit positive."""
    return next(
        (
            account.units
            for account in ledger_queries.account_balances(session)
            if (account.owner_id, account.account_class) == (owner, AccountClass.FEES)
        ),
        0,
    )


def rolled_up_units(session: Session, owner: UUID) -> int:
    """Return the units in the roll-up of the fees account."""
    row = session.row(
        """SELECT r.units FROM rollups r JOIN accounts a ON a.id = r.account_id
           WHERE a.owner_id = %s AND a.class = 'fees'""",
        (owner,),
    )
    return 0 if row is None else int(row[0])


def roll_up(database: Database) -> None:
    with database.transaction() as session:
        ledger.roll_up(session)


def roll_up_until(database: Database, owner: UUID, units: int) -> None:
    """Roll up until the fees account's roll-up has these units. Transactions of other databases on
    the server hold the watermark back for a short time."""
    deadline = time.monotonic() + 20
    while True:
        roll_up(database)
        with database.reading() as session:
            rolled_up = rolled_up_units(session, owner)
        if rolled_up == units:
            return
        assert time.monotonic() < deadline, rolled_up


class TestBalances:
    def test_balances_of_an_owner_are_listed_by_account(
        self, database: Database, people: People
    ) -> None:
        person = people.customer(USD="12.50", XAU_s="0.00000001")
        with database.transaction() as session:
            ledger.place_hold(
                session,
                hold_id=uuid4(),
                account=chart.customer(person.user_id, USD),
                amount=Amount(USD, 100),
                cause="test",
                placed_at=NOW,
            )
            assert sorted(ledger_queries.customer_balances(session, person.user_id)) == [
                CustomerBalance("customer.funding", "USD", 1250, 100),
                CustomerBalance("customer.trading", "XAU-s", 1, 0),
            ]

    def test_unknown_owner_has_no_balances(self, database: Database) -> None:
        with database.reading() as session:
            assert ledger_queries.customer_balances(session, uuid4()) == []

    def test_transaction_sees_its_own_postings_on_a_house_account(
        self, database: Database, owner: UUID
    ) -> None:
        with database.transaction() as session:
            earn(session, owner, 7)
            assert fees_of(session, owner) == -7


class TestAtAnInstant:
    def test_past_balance_is_the_sum_of_postings_up_to_then(
        self, database: Database, owner: UUID
    ) -> None:
        account = AccountKey(USD, AccountClass.FEES, owner)
        with database.transaction() as session:
            for days, units in ((0, 100), (1, 20), (2, -3)):
                earn(session, owner, units, NOW + days * DAY)
        tick = timedelta(microseconds=1)
        with database.reading() as session:
            assert [
                ledger_queries.account_balance_at(session, account, at)
                for at in (NOW - tick, NOW, NOW + DAY - tick, NOW + DAY, NOW + 2 * DAY)
            ] == [0, 100, 100, 120, 117]
            assert (
                ledger_queries.account_balance_at(session, AccountKey(XAU, account[1], owner), NOW)
                == 0
            )

    def test_customer_balance_is_positive_when_we_owe(
        self, database: Database, people: People
    ) -> None:
        person = people.customer(USD="12.50")
        account = chart.customer(person.user_id, USD)
        with database.reading() as session:
            assert (
                ledger_queries.account_balance_at(session, account, datetime.now(UTC) + DAY) == 1250
            )

    def test_trial_balance_sums_to_zero_in_each_asset(
        self, database: Database, people: People
    ) -> None:
        people.customer(USD="100.00", XAU_s="2")
        with database.reading() as session:
            lines = ledger_queries.trial_balance(session)
        totals: Counter[str] = Counter()
        for line in lines:
            totals[line.asset] += line.units * (1 if line.kind in {"asset", "expense"} else -1)
        assert set(totals.values()) <= {0}

    def test_totals_before_an_instant_are_the_sums_of_its_postings(
        self, database: Database, owner: UUID
    ) -> None:
        """Of whole days from their totals, of the day itself, and of what no total has yet."""
        tick = timedelta(microseconds=1)
        instants = (NOW, NOW + tick, NOW + DAY, NOW + 2 * DAY)
        with database.transaction() as session:
            for days, units in ((0, 100), (1, 20)):
                earn(session, owner, units, NOW + days * DAY)
        before = fees_before(database, owner, instants)
        roll_up_until(database, owner, -120)
        assert before == fees_before(database, owner, instants) == [0, -100, -100, -120]


def fees_before(database: Database, owner: UUID, instants: Sequence[datetime]) -> list[int]:
    """Return the owner's total of fees before each instant."""
    with database.reading() as session:
        return [
            sum(
                each.units
                for each in totals
                if (each.owner_id, each.account_class) == (owner, "fees")
            )
            for totals in ledger_queries.totals_before(session, instants)
        ]


class TestRollUp:
    def test_settled_postings_are_rolled_up_once(self, database: Database, owner: UUID) -> None:
        with database.transaction() as session:
            earn(session, owner, 100)
        roll_up_until(database, owner, -100)
        roll_up(database)
        with database.transaction() as session:
            assert (rolled_up_units(session, owner), fees_of(session, owner)) == (-100, -100)
            earn(session, owner, 11)
            assert (rolled_up_units(session, owner), fees_of(session, owner)) == (-100, -111)
        roll_up_until(database, owner, -111)
        with database.reading() as session:
            assert fees_of(session, owner) == -111

    def test_customer_accounts_are_not_rolled_up(self, database: Database, people: People) -> None:
        person = people.customer(USD="5.00")
        with database.transaction() as session:
            earn(session, person.user_id, 1)
        roll_up_until(database, person.user_id, -1)
        with database.reading() as session:
            rows = session.rows(
                """SELECT a.class FROM rollups r JOIN accounts a ON a.id = r.account_id
                   WHERE owner_id = %s ORDER BY a.class""",
                (person.user_id,),
            )
        assert rows == [("capital",), ("fees",)]

    def test_unfinished_transaction_is_not_rolled_up(self, database: Database, owner: UUID) -> None:
        """An entry that starts before a roll-up and commits after it is counted once, and so is
        one that commits in between: the watermark stops at the oldest open transaction."""
        with database.transaction() as session:
            earn(session, owner, 1)
        roll_up_until(database, owner, -1)
        with database.transaction() as unfinished:
            earn(unfinished, owner, 10)
            with database.transaction() as session:
                earn(session, owner, 100)
            roll_up(database)
            with database.reading() as session:
                assert (rolled_up_units(session, owner), fees_of(session, owner)) == (-1, -101)
            assert fees_of(unfinished, owner) == -111
        with database.reading() as session:
            assert (rolled_up_units(session, owner), fees_of(session, owner)) == (-1, -111)
        roll_up_until(database, owner, -111)
        with database.reading() as session:
            assert fees_of(session, owner) == -111

    def test_entry_rolled_back_is_never_rolled_up(self, database: Database, owner: UUID) -> None:
        with database.transaction() as session:
            earn(session, owner, 1)
        roll_up_until(database, owner, -1)

        def abandon() -> None:
            with database.transaction() as session:
                earn(session, owner, 10)
                roll_up(database)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            abandon()
        with database.transaction() as session:
            earn(session, owner, 100)
        roll_up_until(database, owner, -101)
        with database.reading() as session:
            assert fees_of(session, owner) == -101

    def test_roll_up_skips_its_own_transaction(self, database: Database, owner: UUID) -> None:
        with database.transaction() as session:
            earn(session, owner, 10)
            session.send("SAVEPOINT within")
            earn(session, owner, 5)
            session.send("RELEASE within")
            ledger.roll_up(session)
            assert (rolled_up_units(session, owner), fees_of(session, owner)) == (0, -15)
        roll_up_until(database, owner, -15)
        with database.reading() as session:
            assert fees_of(session, owner) == -15

    def test_snapshot_of_a_reader_is_not_moved_by_a_roll_up(
        self, database: Database, owner: UUID
    ) -> None:
        with database.transaction() as session:
            earn(session, owner, 1)
        with database.transaction(SNAPSHOT) as reader:
            assert fees_of(reader, owner) == -1
            with database.transaction() as session:
                earn(session, owner, 10)
            roll_up_until(database, owner, -11)
            assert fees_of(reader, owner) == -1
        with database.reading() as session:
            assert fees_of(session, owner) == -11


class TestJournal:
    def test_journal_lists_every_posting_in_order(self, database: Database, people: People) -> None:
        person = people.customer(USD="5.00", XAU_s="2")
        with database.transaction(SNAPSHOT) as session:
            postings = list(ledger_queries.journal(session))
            entries = session.row("SELECT count(*) FROM entries")
        assert len({posting.entry_id for posting in postings}) == entries[0]
        assert [posting.entry_id for posting in postings] == sorted(
            posting.entry_id for posting in postings
        )
        customer_postings = [posting for posting in postings if posting.owner_id == person.user_id]
        assert [(posting.asset, posting.units) for posting in customer_postings] == [
            ("USD", -500),
            ("XAU-s", -200_000_000),
        ]
        assert {posting.kind for posting in customer_postings} == {"liability"}
