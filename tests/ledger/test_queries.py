"""What the books say: now, then, and while others are writing."""

import time
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
def house() -> UUID:
    """An owner of house accounts that no other test posts to."""
    return uuid4()


def earn(session: Session, house: UUID, units: int, at: datetime = NOW) -> None:
    """Fees of this house rise, its capital falls."""
    ledger.post(
        session,
        cause="test",
        reference=uuid4().hex,
        posted_at=at,
        postings=[
            NewPosting(AccountKey(USD, AccountClass.CAPITAL, house), units),
            NewPosting(AccountKey(USD, AccountClass.FEES, house), -units),
        ],
    )
    session.flush()


def fees_of(session: Session, house: UUID) -> int:
    """The fees account's units, debit positive."""
    return next(
        (
            account.units
            for account in ledger_queries.account_balances(session)
            if (account.owner_id, account.account_class) == (house, AccountClass.FEES)
        ),
        0,
    )


def folded(session: Session, house: UUID) -> int:
    """What of the fees account stands in its roll-up."""
    row = session.row(
        """SELECT r.units FROM rollups r JOIN accounts a ON a.id = r.account_id
           WHERE a.owner_id = %s AND a.class = 'fees'""",
        (house,),
    )
    return 0 if row is None else int(row[0])


def roll_up(database: Database) -> None:
    with database.transaction() as session:
        ledger.roll_up(session)


def roll_up_until(database: Database, house: UUID, units: int) -> None:
    """Roll up until the fees account's roll-up says so. Transactions of other databases of the
    server hold the watermark back too, but not for long."""
    deadline = time.monotonic() + 20
    while True:
        roll_up(database)
        with database.reading() as session:
            found = folded(session, house)
        if found == units:
            return
        assert time.monotonic() < deadline, found


class TestBalances:
    def test_of_an_owner(self, database: Database, people: People) -> None:
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

    def test_of_nobody(self, database: Database) -> None:
        with database.reading() as session:
            assert ledger_queries.customer_balances(session, uuid4()) == []

    def test_of_one_s_house_account_are_seen_at_once(self, database: Database, house: UUID) -> None:
        with database.transaction() as session:
            earn(session, house, 7)
            assert fees_of(session, house) == -7


class TestAtAnInstant:
    def test_a_balance_is_the_sum_of_its_past(self, database: Database, house: UUID) -> None:
        account = AccountKey(USD, AccountClass.FEES, house)
        with database.transaction() as session:
            for days, units in ((0, 100), (1, 20), (2, -3)):
                earn(session, house, units, NOW + days * DAY)
        tick = timedelta(microseconds=1)
        with database.reading() as session:
            assert [
                ledger_queries.account_balance_at(session, account, at)
                for at in (NOW - tick, NOW, NOW + DAY - tick, NOW + DAY, NOW + 2 * DAY)
            ] == [0, 100, 100, 120, 117]
            assert (
                ledger_queries.account_balance_at(session, AccountKey(XAU, account[1], house), NOW)
                == 0
            )

    def test_a_customer_s_balance_is_what_we_owe(self, database: Database, people: People) -> None:
        person = people.customer(USD="12.50")
        account = chart.customer(person.user_id, USD)
        with database.reading() as session:
            assert (
                ledger_queries.account_balance_at(session, account, datetime.now(UTC) + DAY) == 1250
            )

    def test_the_trial_balance_sums_to_zero_in_each_asset_then_and_now(
        self, database: Database, people: People
    ) -> None:
        person = people.customer(USD="100.00", XAU_s="2")
        before = datetime(1990, 1, 1, tzinfo=UTC)
        with database.transaction() as session:
            earn(session, person.user_id, 100, before)
        debits = {"asset": 1, "expense": 1}
        with database.reading() as session:
            then = ledger_queries.trial_balance(session, before)
            ever = ledger_queries.trial_balance(session, datetime(2100, 1, 1, tzinfo=UTC))
            now = ledger_queries.trial_balance(session)
        for lines in (then, ever, now):
            totals: dict[str, int] = {}
            for line in lines:
                signed = debits.get(line.kind, -1) * line.units
                totals[line.asset] = totals.get(line.asset, 0) + signed
            assert set(totals.values()) <= {0}
        assert [line for line in then if line.units] == [
            ("equity", "capital", "USD", -100, 1),
            ("income", "fees", "USD", 100, 1),
        ]
        # Added up from postings or kept as balances and roll-ups: the same figures.
        assert [line[:4] for line in ever] == [line[:4] for line in now if line.accounts]


class TestRollUp:
    def test_folds_what_has_settled_once(self, database: Database, house: UUID) -> None:
        with database.transaction() as session:
            earn(session, house, 100)
        roll_up_until(database, house, -100)
        roll_up(database)
        with database.transaction() as session:
            assert (folded(session, house), fees_of(session, house)) == (-100, -100)
            earn(session, house, 11)
            assert (folded(session, house), fees_of(session, house)) == (-100, -111)
        roll_up_until(database, house, -111)
        with database.reading() as session:
            assert fees_of(session, house) == -111

    def test_leaves_customers_alone(self, database: Database, people: People) -> None:
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

    def test_does_not_fold_what_is_still_open(self, database: Database, house: UUID) -> None:
        """An entry that started before a roll-up and commits after it is counted once, and so is
        one that committed in between: the watermark stops at the oldest open transaction."""
        with database.transaction() as session:
            earn(session, house, 1)
        roll_up_until(database, house, -1)
        with database.transaction() as open_:
            earn(open_, house, 10)
            with database.transaction() as session:
                earn(session, house, 100)
            roll_up(database)
            with database.reading() as session:
                assert (folded(session, house), fees_of(session, house)) == (-1, -101)
            assert fees_of(open_, house) == -111
        with database.reading() as session:
            assert (folded(session, house), fees_of(session, house)) == (-1, -111)
        roll_up_until(database, house, -111)
        with database.reading() as session:
            assert fees_of(session, house) == -111

    def test_an_entry_rolled_back_is_never_folded(self, database: Database, house: UUID) -> None:
        with database.transaction() as session:
            earn(session, house, 1)
        roll_up_until(database, house, -1)

        def abandon() -> None:
            with database.transaction() as session:
                earn(session, house, 10)
                roll_up(database)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            abandon()
        with database.transaction() as session:
            earn(session, house, 100)
        roll_up_until(database, house, -101)
        with database.reading() as session:
            assert fees_of(session, house) == -101

    def test_does_not_fold_its_own_transaction(self, database: Database, house: UUID) -> None:
        with database.transaction() as session:
            earn(session, house, 10)
            session.send("SAVEPOINT within")
            earn(session, house, 5)
            session.send("RELEASE within")
            ledger.roll_up(session)
            assert (folded(session, house), fees_of(session, house)) == (0, -15)
        roll_up_until(database, house, -15)
        with database.reading() as session:
            assert fees_of(session, house) == -15

    def test_a_reader_s_snapshot_does_not_move(self, database: Database, house: UUID) -> None:
        with database.transaction() as session:
            earn(session, house, 1)
        with database.transaction(SNAPSHOT) as reader:
            assert fees_of(reader, house) == -1
            with database.transaction() as session:
                earn(session, house, 10)
            roll_up_until(database, house, -11)
            assert fees_of(reader, house) == -1
        with database.reading() as session:
            assert fees_of(session, house) == -11


class TestJournal:
    def test_lists_every_posting_in_order(self, database: Database, people: People) -> None:
        person = people.customer(USD="5.00", XAU_s="2")
        with database.transaction(SNAPSHOT) as session:
            postings = list(ledger_queries.journal(session))
            entries = session.row("SELECT count(*) FROM entries")
        assert len({posting.entry_id for posting in postings}) == entries[0]
        assert [posting.entry_id for posting in postings] == sorted(
            posting.entry_id for posting in postings
        )
        mine = [posting for posting in postings if posting.owner_id == person.user_id]
        assert [(posting.asset, posting.units) for posting in mine] == [
            ("USD", -500),
            ("XAU-s", -200_000_000),
        ]
        assert {posting.kind for posting in mine} == {"liability"}
