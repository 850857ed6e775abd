"""The verbs of the ledger with their refusals."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep
from uuid import UUID, uuid4

import psycopg
import pytest

from app.access import Actor
from app.catalog.rules import PAXG, USD, XAU
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.chart import AccountKey
from app.ledger.errors import (
    AlreadyHeld,
    AlreadyPosted,
    AlreadyReversed,
    HoldExceeded,
    HoldExpired,
    HoldNotPending,
    InsufficientFunds,
    UnbalancedEntry,
)
from app.ledger.service import NewPosting
from tests.people import People
from tests.unchanged_database import database_unchanged

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEES = chart.fees(USD)


def funding(person: Actor, asset: Asset = USD) -> AccountKey:
    return chart.customer(person.user_id, asset)


def pay(
    database: Database,
    account: AccountKey,
    units: int,
    *,
    reference: str | None = None,
    hold_ids: Sequence[UUID] = (),
    at: datetime = NOW,
) -> str:
    """Take units from an account into fees. Return the entry's reference."""
    reference = reference or uuid4().hex
    with database.transaction() as session:
        ledger.post(
            session,
            cause="payment",
            reference=reference,
            posted_at=at,
            postings=[NewPosting(account, units), NewPosting(chart.fees(account.asset), -units)],
            hold_ids=hold_ids,
        )
    return reference


def reverse(database: Database, reverses: str, reference: str | None = None) -> str:
    reference = reference or uuid4().hex
    with database.transaction() as session:
        ledger.reverse(
            session, reference=reference, reverses=reverses, cause="mistake", posted_at=NOW
        )
    return reference


def hold(
    database: Database, account: AccountKey, units: int, expires_at: datetime | None = None
) -> UUID:
    hold_id = uuid4()
    with database.transaction() as session:
        ledger.place_hold(
            session,
            hold_id=hold_id,
            account=account,
            amount=Amount(account.asset, units),
            cause="reservation",
            placed_at=NOW,
            expires_at=expires_at,
        )
    return hold_id


def void(database: Database, hold_id: UUID) -> None:
    with database.transaction() as session:
        ledger.void_holds(session, [hold_id], at=NOW)


def expire(database: Database, now: datetime) -> int:
    with database.transaction() as session:
        return ledger.expire_holds(session, now=now)


def posted_and_held(database: Database, account: AccountKey) -> tuple[int, int]:
    with database.reading() as session:
        return next(
            (balance.posted, balance.held)
            for balance in ledger_queries.customer_balances(session, account.owner_id)
            if balance.asset == account.asset.code
        )


def settled(database: Database, hold_id: UUID) -> tuple[str, datetime | None, str | None]:
    """Return a hold's status, when it was settled, and the reference of its entry."""
    with database.reading() as session:
        row = session.row(
            """SELECT h.status, h.settled_at, e.reference FROM holds h
               LEFT JOIN entries e ON e.id = h.entry_id WHERE h.id = %s""",
            (hold_id,),
        )
    assert row is not None
    return row


def postings_of(database: Database, reference: str) -> dict[tuple[str, str], int]:
    with database.reading() as session:
        rows = session.rows(
            """SELECT a.class, a.asset, p.units FROM entries e
               JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
               WHERE e.reference = %s""",
            (reference,),
        )
    return {(account_class, asset): units for account_class, asset, units in rows}


def post(database: Database, postings: Iterable[NewPosting]) -> str:
    reference = uuid4().hex
    with database.transaction() as session:
        ledger.post(session, cause="test", reference=reference, posted_at=NOW, postings=postings)
    return reference


@pytest.fixture
def person(people: People) -> Actor:
    """A customer with 100.00 USD."""
    return people.customer(USD="100.00")


class TestPost:
    def test_post_records_the_entry_with_its_cause(self, database: Database, person: Actor) -> None:
        reference = pay(database, funding(person), 1250)
        assert posted_and_held(database, funding(person)) == (8750, 0)
        assert postings_of(database, reference) == {
            ("customer.funding", "USD"): 1250,
            ("fees", "USD"): -1250,
        }
        with database.reading() as session:
            row = session.row(
                "SELECT cause, posted_at, reverses_id FROM entries WHERE reference = %s",
                (reference,),
            )
        assert row == ("payment", NOW, None)

    def test_post_takes_postings_in_any_order(self, database: Database, person: Actor) -> None:
        reference = post(
            database,
            [
                NewPosting(chart.position(XAU), 5),
                NewPosting(funding(person), 100),
                NewPosting(funding(person, XAU), -5),
                NewPosting(chart.position(USD), -100),
            ],
        )
        assert postings_of(database, reference) == {
            ("customer.funding", "USD"): 100,
            ("position", "USD"): -100,
            ("customer.trading", "XAU-s"): -5,
            ("position", "XAU-s"): 5,
        }
        assert posted_and_held(database, funding(person, XAU)) == (5, 0)

    def test_post_drops_zeros_and_merges_accounts(self, database: Database, person: Actor) -> None:
        reference = post(
            database,
            [
                NewPosting(funding(person), 70),
                NewPosting(chart.rounding(USD), 0),
                NewPosting(FEES, -100),
                NewPosting(funding(person), 30),
                NewPosting(chart.spread(USD), 5),
                NewPosting(chart.spread(USD), -5),
            ],
        )
        assert postings_of(database, reference) == {
            ("customer.funding", "USD"): 100,
            ("fees", "USD"): -100,
        }

    @pytest.mark.parametrize(
        "postings",
        [
            [],
            [NewPosting(FEES, 0)],
            [NewPosting(FEES, 5), NewPosting(FEES, -5)],
            [NewPosting(FEES, 5)],
            [NewPosting(FEES, 5), NewPosting(chart.capital(USD), -4)],
            [NewPosting(FEES, 5), NewPosting(chart.capital(PAXG), -5)],
        ],
    )
    def test_unbalanced_entry_is_refused(
        self, database: Database, postings: list[NewPosting]
    ) -> None:
        with database_unchanged(database), pytest.raises(UnbalancedEntry):
            post(database, postings)

    def test_reference_is_posted_once(self, database: Database, person: Actor) -> None:
        reference = pay(database, funding(person), 100)
        with database_unchanged(database), pytest.raises(AlreadyPosted):
            pay(database, funding(person), 100, reference=reference)
        with database_unchanged(database), pytest.raises(AlreadyPosted):
            pay(database, funding(person), 999, reference=reference)

    def test_entry_takes_at_most_the_available_balance(
        self, database: Database, person: Actor
    ) -> None:
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            pay(database, funding(person), 10_001)
        pay(database, funding(person), 10_000)
        assert posted_and_held(database, funding(person)) == (0, 0)
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            pay(database, funding(person), 1)

    def test_entry_on_an_unknown_customer_is_refused(self, database: Database) -> None:
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            pay(database, chart.customer(uuid4(), USD), 1)

    def test_house_accounts_may_have_either_sign(self, database: Database) -> None:
        post(database, [NewPosting(FEES, 10**15), NewPosting(chart.capital(USD), -(10**15))])
        post(database, [NewPosting(FEES, -(10**15)), NewPosting(chart.capital(USD), 10**15)])

    def test_refusal_undoes_the_whole_transaction(self, database: Database, person: Actor) -> None:
        def pay_twice() -> None:
            with database.transaction() as session:
                for units in (6000, 6000):
                    ledger.post(
                        session,
                        cause="test",
                        reference=uuid4().hex,
                        posted_at=NOW,
                        postings=[NewPosting(funding(person), units), NewPosting(FEES, -units)],
                    )

        with database_unchanged(database), pytest.raises(InsufficientFunds):
            pay_twice()

    def test_debit_and_credit_require_the_account_s_asset(self) -> None:
        for side in (ledger.debit, ledger.credit):
            with pytest.raises(AssertionError):
                side(FEES, Amount(XAU, 1))
        assert ledger.debit(FEES, Amount(USD, 7)) == NewPosting(FEES, 7)
        assert ledger.credit(FEES, Amount(USD, 7)) == NewPosting(FEES, -7)


class TestReverse:
    def test_reversal_mirrors_the_entry(self, database: Database, person: Actor) -> None:
        first = post(
            database,
            [
                NewPosting(funding(person), 1000),
                NewPosting(chart.position(USD), -995),
                NewPosting(FEES, -5),
                NewPosting(chart.position(XAU), 25),
                NewPosting(funding(person, XAU), -25),
            ],
        )
        second = reverse(database, first)
        assert postings_of(database, second) == {
            account: -units for account, units in postings_of(database, first).items()
        }
        assert posted_and_held(database, funding(person)) == (10_000, 0)
        assert posted_and_held(database, funding(person, XAU)) == (0, 0)
        with database.reading() as session:
            row = session.row(
                """SELECT r.cause, e.reference FROM entries r JOIN entries e ON e.id = r.reverses_id
                   WHERE r.reference = %s""",
                (second,),
            )
        assert row == ("mistake", first)

    def test_entry_is_reversed_once(self, database: Database, person: Actor) -> None:
        first = pay(database, funding(person), 100)
        second = reverse(database, first)
        with database_unchanged(database), pytest.raises(AlreadyReversed):
            reverse(database, first)
        # The same request again is refused as already posted.
        with database_unchanged(database), pytest.raises(AlreadyPosted):
            reverse(database, first, second)

    def test_reversal_can_be_reversed(self, database: Database, person: Actor) -> None:
        first = pay(database, funding(person), 100)
        third = reverse(database, reverse(database, first))
        assert postings_of(database, third) == postings_of(database, first)
        assert posted_and_held(database, funding(person)) == (9900, 0)

    def test_reversal_is_refused_once_the_money_is_spent(
        self, database: Database, people: People, person: Actor
    ) -> None:
        other = people.customer()
        gift = post(database, [NewPosting(funding(person), 100), NewPosting(funding(other), -100)])
        pay(database, funding(other), 1)
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            reverse(database, gift)

    def test_reversal_is_refused_while_the_money_is_held(
        self, database: Database, people: People, person: Actor
    ) -> None:
        other = people.customer()
        gift = post(database, [NewPosting(funding(person), 100), NewPosting(funding(other), -100)])
        held = hold(database, funding(other), 1)
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            reverse(database, gift)
        void(database, held)
        reverse(database, gift)

    def test_reversal_of_an_unknown_entry_is_not_found(self, database: Database) -> None:
        with database_unchanged(database), pytest.raises(NotFound):
            reverse(database, uuid4().hex)


class TestHold:
    def test_hold_sets_aside_available_money(self, database: Database, person: Actor) -> None:
        held = hold(database, funding(person), 3000)
        assert posted_and_held(database, funding(person)) == (10_000, 3000)
        assert settled(database, held) == ("pending", None, None)
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            pay(database, funding(person), 7001)
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            hold(database, funding(person), 7001)
        hold(database, funding(person), 7000)
        assert posted_and_held(database, funding(person)) == (10_000, 10_000)

    def test_hold_id_is_placed_once(self, database: Database, person: Actor) -> None:
        held = hold(database, funding(person), 3000)
        with (
            database_unchanged(database),
            pytest.raises(AlreadyHeld),
            database.transaction() as session,
        ):
            ledger.place_hold(
                session,
                hold_id=held,
                account=funding(person),
                amount=Amount(USD, 3000),
                cause="again",
                placed_at=NOW,
            )

    @pytest.mark.parametrize("units", [0, -1])
    def test_hold_of_nothing_is_refused(
        self, database: Database, person: Actor, units: int
    ) -> None:
        with database_unchanged(database), pytest.raises(UnbalancedEntry):
            hold(database, funding(person), units)

    def test_hold_on_a_house_account_is_refused(self, database: Database) -> None:
        with database_unchanged(database), pytest.raises(UnbalancedEntry):
            hold(database, FEES, 1)

    def test_hold_on_an_unknown_customer_is_refused(self, database: Database) -> None:
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            hold(database, chart.customer(uuid4(), USD), 1)

    @pytest.mark.parametrize("taken", [1, 1200, 3000])
    def test_hold_is_posted_in_part_or_whole_and_the_rest_released(
        self, database: Database, person: Actor, taken: int
    ) -> None:
        held = hold(database, funding(person), 3000, NOW + HOUR)
        reference = pay(database, funding(person), taken, hold_ids=[held])
        assert posted_and_held(database, funding(person)) == (10_000 - taken, 0)
        assert settled(database, held) == ("posted", NOW, reference)

    def test_hold_can_be_posted_when_it_is_all_that_is_left(
        self, database: Database, person: Actor
    ) -> None:
        held = hold(database, funding(person), 3000)
        pay(database, funding(person), 7000)
        pay(database, funding(person), 3000, hold_ids=[held])
        assert posted_and_held(database, funding(person)) == (0, 0)

    def test_posting_more_than_was_held_is_refused(self, database: Database, person: Actor) -> None:
        held = hold(database, funding(person), 3000)
        with database_unchanged(database), pytest.raises(HoldExceeded):
            pay(database, funding(person), 3001, hold_ids=[held])
        with database_unchanged(database), pytest.raises(HoldExceeded):
            pay(database, funding(person), 10_001, hold_ids=[held])

    def test_posting_a_hold_in_the_other_direction_is_refused(
        self, database: Database, person: Actor
    ) -> None:
        held = hold(database, funding(person), 3000)
        with database_unchanged(database), pytest.raises(HoldExceeded):
            pay(database, funding(person), -100, hold_ids=[held])

    def test_posting_a_hold_from_another_account_is_refused(
        self, database: Database, people: People, person: Actor
    ) -> None:
        other = people.customer(USD="100.00")
        held = hold(database, funding(person), 3000)
        with database_unchanged(database), pytest.raises(HoldExceeded):
            pay(database, funding(other), 100, hold_ids=[held])

    def test_posting_a_hold_leaves_other_holds_alone(
        self, database: Database, person: Actor
    ) -> None:
        first = hold(database, funding(person), 3000)
        second = hold(database, funding(person), 2000)
        pay(database, funding(person), 1, hold_ids=[first])
        assert posted_and_held(database, funding(person)) == (9999, 2000)
        void(database, second)
        assert posted_and_held(database, funding(person)) == (9999, 0)

    def test_holds_of_several_accounts_are_posted_by_one_entry(
        self, database: Database, people: People, person: Actor
    ) -> None:
        """What is not taken is released; two holds on one account count together."""
        other = people.customer(USD="100.00")
        accounts = (funding(other), funding(person), funding(person))
        holds = [hold(database, account, 3000, NOW + HOUR) for account in accounts]
        left_alone = hold(database, funding(person), 500)
        reference = uuid4().hex
        postings = {funding(person): 6000, funding(other): 1, FEES: -6001}
        with database.transaction() as session:
            ledger.post(
                session, cause="payment", reference=reference, posted_at=NOW, hold_ids=holds,
                postings=[NewPosting(account, units) for account, units in postings.items()],
            )  # fmt: skip
        assert posted_and_held(database, funding(person)) == (4000, 500)
        assert posted_and_held(database, funding(other)) == (9999, 0)
        assert {settled(database, held) for held in holds} == {("posted", NOW, reference)}
        void(database, left_alone)

    def test_entry_that_leaves_out_a_held_account_is_refused(
        self, database: Database, people: People, person: Actor
    ) -> None:
        other = people.customer(USD="100.00")
        holds = [hold(database, funding(each), 3000) for each in (person, other)]
        with database_unchanged(database), pytest.raises(HoldExceeded):
            pay(database, funding(person), 100, hold_ids=holds)

    def test_one_of_several_holds_that_is_not_pending_refuses_the_entry(
        self, database: Database, person: Actor
    ) -> None:
        holds = [hold(database, funding(person), 1000) for _ in range(2)]
        voided, _ = holds
        void(database, voided)
        with database_unchanged(database), pytest.raises(HoldNotPending):
            pay(database, funding(person), 1000, hold_ids=holds)

    def test_hold_is_settled_once(self, database: Database, person: Actor) -> None:
        posted, voided = (hold(database, funding(person), 1000) for _ in range(2))
        expired = hold(database, funding(person), 1000, NOW + HOUR)
        pay(database, funding(person), 1000, hold_ids=[posted])
        void(database, voided)
        assert settled(database, voided) == ("voided", NOW, None)
        assert expire(database, NOW + HOUR) >= 1
        assert settled(database, expired) == ("expired", NOW + HOUR, None)
        assert posted_and_held(database, funding(person)) == (9000, 0)
        for held in (posted, voided, expired, uuid4()):
            with database_unchanged(database), pytest.raises(HoldNotPending):
                void(database, held)
            with database_unchanged(database), pytest.raises(HoldNotPending):
                pay(database, funding(person), 1, hold_ids=[held])
        with database_unchanged(database):
            assert expire(database, NOW + 2 * HOUR) == 0

    def test_hold_can_be_posted_until_it_expires(self, database: Database, person: Actor) -> None:
        early, late = (hold(database, funding(person), 1000, NOW + HOUR) for _ in range(2))
        with database_unchanged(database), pytest.raises(HoldExpired):
            pay(database, funding(person), 1000, hold_ids=[late], at=NOW + HOUR)
        just_before = NOW + HOUR - timedelta(microseconds=1)
        pay(database, funding(person), 1000, hold_ids=[early], at=just_before)
        void(database, late)

    def test_hold_expires_at_its_time(self, database: Database, person: Actor) -> None:
        soon, later, never = (
            hold(database, funding(person), 1000, at) for at in (NOW + HOUR, NOW + 2 * HOUR, None)
        )
        with database_unchanged(database):
            assert expire(database, NOW + HOUR - timedelta(microseconds=1)) == 0
        assert expire(database, NOW + HOUR) == 1
        assert settled(database, soon)[0] == "expired"
        assert settled(database, later)[0] == settled(database, never)[0] == "pending"
        assert posted_and_held(database, funding(person)) == (10_000, 2000)
        for held in (later, never):
            void(database, held)

    def test_expiry_is_limited_to_the_requested_number(
        self, database: Database, person: Actor
    ) -> None:
        for hours in (3, 1, 2):
            hold(database, funding(person), hours, NOW + hours * HOUR)
        with database.transaction() as session:
            assert ledger.expire_holds(session, now=NOW + 9 * HOUR, limit=2) == 2
        assert posted_and_held(database, funding(person)) == (10_000, 3)
        assert expire(database, NOW + 9 * HOUR) == 1

    def test_expiry_locks_accounts_in_the_order_of_entries(
        self, database: Database, people: People, superuser: psycopg.Connection
    ) -> None:
        """PAXG comes before XAU-s, whichever account was opened first: an expiry that waits for the
        first holds no lock on the second, which an entry that holds the first may request."""
        person = people.customer(XAU_s="1", USD="1.00", PAXG="1")
        for asset in (XAU, PAXG):
            hold(database, funding(person, asset), 1, NOW + HOUR)
        lock = """
            SELECT FROM balances b JOIN accounts a ON a.id = b.account_id
            WHERE a.owner_id = %s AND a.asset = %s FOR UPDATE OF b NOWAIT"""
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
        with ThreadPoolExecutor(1) as pool, superuser.transaction():
            superuser.execute(lock, (person.user_id, PAXG.code))
            expiry = pool.submit(expire, database, NOW + HOUR)
            while not expiry.done() and superuser.execute(waiting).fetchone() == (0,):
                sleep(0.01)
            superuser.execute(lock, (person.user_id, XAU.code))
        assert expiry.result() == 2
