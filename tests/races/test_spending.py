"""A balance, quote, hold, entry or limit used by many at once: as many succeed as it covers."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from app.access import Actor
from app.catalog.rules import PAXG, USD, XAU, PaymentMethod, Wallet
from app.funding.deposits import service as deposits
from app.funding.limits import PaymentLimits
from app.funding.ports import PaymentRails
from app.funding.transfers import service as transfers
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.ports import provide
from app.kyc.models import Verification
from app.kyc.submission import service as submission
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.errors import AlreadyReversed, HoldNotPending, InsufficientFunds
from app.ledger.models import Hold
from app.limits.errors import LimitExceeded
from app.pricing.errors import TransferLimitExceeded
from app.trading import service as trading
from app.trading.errors import QuoteUsed
from app.trading.service import ConversionOrder, RequestedConversion
from tests.drill import choose_size, rounds, seeded_random
from tests.fixed_settings import fixed_settings
from tests.people import credit, set_prices
from tests.races.contest import THREADS, Arena, winners
from tests.rows import change_rows, read_values
from tests.scripted_rails import ScriptedCardRail

pytestmark = pytest.mark.drill(name="races")

ROUNDS = choose_size(20, 200)
Record = Callable[[str, object], None]
#: Long ago, so that expiring holds finds none of other tests.
NOW = datetime(2001, 1, 1, tzinfo=UTC)
TEN = Amount(USD, 1000)


class SharedBalance(Protocol):
    """A balance that many spend from at once."""

    def fill(self, units: int) -> None:
        """Reset the balance to this many units."""
        ...

    def spend(self) -> object:
        """Take ten dollars. Raises `InsufficientFunds`."""
        ...

    def check(self, spent: int) -> None:
        """Check that nothing is left and that everything spent arrived."""
        ...


def spend_at_once(arena: Arena, purse: SharedBalance, random: Random) -> int:
    """Run one round, in which as many succeed as the balance covers; return how many."""
    affordable = random.randrange(1, THREADS)
    purse.fill(affordable * TEN.units)
    won = winners(arena.all_at_once([purse.spend] * THREADS, random), InsufficientFunds)
    assert len(won) == affordable
    purse.check(affordable)
    return affordable


@dataclass
class CustomerBalance:
    """A customer who buys gold."""

    arena: Arena
    person: Actor

    def fill(self, units: int) -> None:
        self.person = self.arena.people.customer(USD=str(Amount(USD, units)))

    def spend(self) -> ConversionOrder:
        with self.arena.database.transaction() as session:
            wish = RequestedConversion(USD, XAU, TEN, None)
            return trading.convert_at_market(session, self.person, wish)

    def check(self, spent: int) -> None:
        assert self.arena.people.balances(self.person) == {"XAU-s": str(gold_bought(spent))}
        assert count_effects(self.arena.database, self.person) == (spent, spent, spent)


def gold_bought(orders: int) -> Amount:
    """Return the gold for this many orders of ten dollars less five cents, at 4,008 an ounce."""
    return Amount(XAU, orders * (995 * 10**8 // 100 // 4008))


def count_effects(database: Database, person: Actor) -> tuple[int, ...]:
    """Return how many orders, entries and confirmations a person has."""
    with database.reading() as session:
        row = session.row(
            """SELECT (SELECT count(*) FROM orders WHERE user_id = %(id)s),
                      (SELECT count(*) FROM postings p JOIN entries e ON e.id = p.entry_id
                       JOIN accounts a ON a.id = p.account_id
                       WHERE a.owner_id = %(id)s AND a.asset = 'USD' AND e.cause = 'trade'),
                      (SELECT count(*) FROM outbox WHERE args ->> 'user_id' = %(id)s::text)""",
            {"id": person.user_id},
        )
    assert row is not None
    return row


@dataclass
class UnguardedBalance:
    """A balance that is read and then written, as a ledger without a guard would do."""

    arena: Arena
    owner: psycopg.Connection

    def fill(self, units: int) -> None:
        self.owner.execute("TRUNCATE race_purse")
        self.owner.execute("INSERT INTO race_purse VALUES (%s)", (units,))

    def spend(self) -> object:
        with self.arena.database.transaction() as session:
            row = session.row("SELECT units, pg_sleep(0.001) FROM race_purse")
            assert row is not None
            if row[0] < TEN.units:
                raise InsufficientFunds
            session.send("UPDATE race_purse SET units = %s", (row[0] - TEN.units,))
        return None

    def check(self, spent: int) -> None:
        assert self.owner.execute("SELECT units FROM race_purse").fetchone() == (0,)


@pytest.fixture
def owner_connection() -> Iterator[psycopg.Connection]:
    """The owner's connection, with a writable table outside the ledger."""
    url = make_url(os.environ["DATABASE_OWNER_URL"]).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as owner:
        owner.execute("CREATE TABLE race_purse (units bigint NOT NULL)")
        yield owner
        owner.execute("DROP TABLE race_purse")


def test_balance_spent_by_many_covers_exactly_what_it_holds(
    arena: Arena, record_property: Record
) -> None:
    random, spent = seeded_random("balance"), 0
    account = CustomerBalance(arena, arena.people.customer())
    for _ in rounds(ROUNDS, "one balance spent by all"):
        set_prices(arena.database, AU="4000")
        spent += spend_at_once(arena, account, random)
    record_property(
        "evidence",
        f"One balance spent by all: {ROUNDS} rounds of {THREADS} threads; {spent:,} orders could "
        f"be paid for and were filled, {ROUNDS * THREADS - spent:,} were refused.",
    )


def test_control_unguarded_balance_fails_the_check(
    arena: Arena, owner_connection: psycopg.Connection, record_property: Record
) -> None:
    random = seeded_random("control")

    def race() -> None:
        for _ in rounds(ROUNDS, "control"):
            spend_at_once(arena, UnguardedBalance(arena, owner_connection), random)

    with pytest.raises(AssertionError):
        race()
    record_property(
        "evidence",
        "Control: the same race over a balance that is read and then written, without a guard, was "
        "caught by the same checks.",
    )


def test_quote_filled_by_many_is_filled_once(arena: Arena, record_property: Record) -> None:
    random, person = (
        seeded_random("quote"),
        arena.people.customer(USD=f"{ROUNDS * THREADS * 10}.00"),
    )
    for done in rounds(ROUNDS, "one quote filled by all"):
        set_prices(arena.database, AU="4000")
        with arena.database.transaction() as session:
            quote = trading.create_quote(session, person, RequestedConversion(USD, XAU, TEN, None))

        def fill(quote_id: UUID = quote.id) -> ConversionOrder:
            with arena.database.transaction() as session:
                return trading.fill_quote(session, person, quote_id)

        won = winners(arena.all_at_once([fill] * THREADS, random), QuoteUsed)
        assert [order.quote_id for order in won] == [quote.id]
        assert count_effects(arena.database, person) == (done + 1, done + 1, done + 1)
    assert arena.people.balances(person)["XAU-s"] == str(gold_bought(ROUNDS))
    record_property(
        "evidence",
        f"One quote filled by all: {ROUNDS} rounds of {THREADS} threads; {ROUNDS:,} filled, one of "
        f"each, and {ROUNDS * (THREADS - 1):,} refused.",
    )


def test_hold_settled_by_many_is_settled_once(arena: Arena, record_property: Record) -> None:
    random, person = seeded_random("hold"), arena.people.customer(USD=f"{ROUNDS * 10}.00")
    account, expiry = chart.customer(person.user_id, USD), NOW + timedelta(hours=1)
    won = {"posted": 0, "voided": 0, "expired": 0}
    for _ in rounds(ROUNDS, "one hold posted, voided and expired by all"):
        hold_id = uuid4()
        with arena.database.transaction() as session:
            ledger.place_hold(
                session,
                hold_id=hold_id,
                account=account,
                amount=TEN,
                cause="race",
                placed_at=NOW,
                expires_at=expiry,
            )

        def post(hold_id: UUID = hold_id) -> str:
            with arena.database.transaction() as session:
                ledger.post(
                    session,
                    cause="race",
                    reference=uuid4().hex,
                    posted_at=NOW,
                    postings=[ledger.debit(account, TEN), ledger.credit(chart.fees(USD), TEN)],
                    hold_ids=[hold_id],
                )
            return "posted"

        def void(hold_id: UUID = hold_id) -> str:
            with arena.database.transaction() as session:
                ledger.void_holds(session, [hold_id], at=NOW)
            return "voided"

        def expire() -> str | None:
            with arena.database.transaction() as session:
                return "expired" if ledger.expire_holds(session, now=expiry) else None

        acts = ([post, void, expire] * THREADS)[:THREADS]
        settled = [way for way in winners(arena.all_at_once(acts, random), HoldNotPending) if way]
        assert len(settled) == 1
        won[str(settled[0])] += 1
        with arena.database.reading() as session:
            assert read_values(session, Hold.status, Hold.id == hold_id) == [settled[0]]
    remaining = Amount(USD, (ROUNDS - won["posted"]) * TEN.units)
    assert arena.people.balances(person).get("USD", "0.00") == str(remaining)
    record_property(
        "evidence",
        f"One hold settled by all: {ROUNDS} rounds of {THREADS} threads that post, void and "
        f"expire; {won['posted']} were posted, {won['voided']} voided and {won['expired']} "
        "expired, each once.",
    )


def test_holds_settled_together_by_many_are_settled_once(
    arena: Arena, record_property: Record
) -> None:
    """The holds of two accounts, named in either order."""
    random, sums = seeded_random("holds"), (TEN, Amount(PAXG, 1000))
    person = arena.people.customer(USD=f"{ROUNDS * 10}.00", PAXG=f"0.{ROUNDS:05d}")
    accounts = [chart.customer(person.user_id, amount.asset) for amount in sums]
    postings = [ledger.debit(*item) for item in zip(accounts, sums, strict=True)]
    postings += [ledger.credit(chart.fees(amount.asset), amount) for amount in sums]
    posted = 0
    for _ in rounds(ROUNDS, "two holds posted or voided together by all"):
        hold_ids = [uuid4(), uuid4()]
        with arena.database.transaction() as session:
            for hold_id, account, amount in zip(hold_ids, accounts, sums, strict=True):
                ledger.place_hold(
                    session, hold_id=hold_id, account=account, amount=amount, cause="race",
                    placed_at=NOW,
                )  # fmt: skip

        def post(hold_ids: Sequence[UUID] = hold_ids) -> str:
            with arena.database.transaction() as session:
                ledger.post(
                    session, cause="race", reference=uuid4().hex, posted_at=NOW,
                    postings=postings, hold_ids=hold_ids,
                )  # fmt: skip
            return "posted"

        def void(hold_ids: Sequence[UUID] = hold_ids[::-1]) -> str:
            with arena.database.transaction() as session:
                ledger.void_holds(session, hold_ids, at=NOW)
            return "voided"

        acts = [post, void] * (THREADS // 2)
        [settled] = winners(arena.all_at_once(acts, random), HoldNotPending)
        posted += settled == "posted"
        with arena.database.reading() as session:
            assert read_values(session, Hold.status, Hold.id.in_(hold_ids)) == [settled] * 2
    balances = arena.people.balances(person)
    for amount in sums:
        left = Amount(amount.asset, (ROUNDS - posted) * amount.units)
        assert balances.get(amount.asset.code, str(left - left)) == str(left)
    record_property(
        "evidence",
        f"The holds of two accounts settled together by all: {ROUNDS} rounds of {THREADS} threads "
        f"that name them in either order; {posted} times both were posted, "
        f"{ROUNDS - posted} times both voided.",
    )


def test_entry_reversed_by_many_is_reversed_once(arena: Arena, record_property: Record) -> None:
    random, person = seeded_random("reversal"), arena.people.customer()
    for _ in rounds(ROUNDS, "one entry reversed by all"):
        reference = uuid4().hex
        with arena.database.transaction() as session:
            ledger.post(
                session,
                cause="race",
                reference=reference,
                posted_at=NOW,
                postings=[
                    ledger.debit(chart.capital(USD), TEN),
                    ledger.credit(chart.customer(person.user_id, USD), TEN),
                ],
            )
        with arena.database.transaction() as session:
            # Money that a second reversal could take by mistake.
            credit(session, person.user_id, "10.00", "USD")

        def reverse(reverses: str = reference) -> None:
            with arena.database.transaction() as session:
                ledger.reverse(
                    session,
                    reference=uuid4().hex,
                    reverses=reverses,
                    cause="mistake",
                    posted_at=NOW,
                )

        assert len(winners(arena.all_at_once([reverse] * THREADS, random), AlreadyReversed)) == 1
    assert arena.people.balances(person) == {"USD": f"{ROUNDS * 10}.00"}
    record_property(
        "evidence",
        f"One entry reversed by all: {ROUNDS} rounds of {THREADS} threads; each reversed once.",
    )


def test_daily_transfer_limit_used_by_many_is_not_exceeded(
    arena: Arena, record_property: Record
) -> None:
    random = seeded_random("limit")
    forty_ounces = Amount(PAXG, 40 * PAXG.unit)
    for _ in rounds(ROUNDS, "one day's limit used by all"):
        set_prices(arena.database, AU="4000", PAXG="4000")
        person = arena.people.customer(PAXG="10000", XAU_s="10000")

        def move(person: Actor = person, *, back: bool = False) -> None:
            wallets = (Wallet.TRADING, Wallet.FUNDING) if back else (Wallet.FUNDING, Wallet.TRADING)
            with arena.database.transaction() as session:
                transfers.transfer(
                    session,
                    person,
                    amount=Amount(XAU, forty_ounces.units) if back else forty_ounces,
                    origin=wallets[0],
                    destination=wallets[1],
                )

        acts = [move, lambda move=move: move(back=True)] * (THREADS // 2)
        # Six times 40 ounces are within 250.
        assert len(winners(arena.all_at_once(acts, random), TransferLimitExceeded)) == 6
    record_property(
        "evidence",
        f"One day's limit of transfers used by all: {ROUNDS} rounds of {THREADS} threads in both "
        f"directions; {ROUNDS * 6:,} within the limit, the rest refused.",
    )


def test_limit_shared_by_two_accounts_of_a_person_is_not_exceeded(
    arena: Arena, record_property: Record
) -> None:
    random = seeded_random("person")
    provide(PaymentRails, PaymentRails({PaymentMethod.CARD: ScriptedCardRail()}))
    for _ in rounds(ROUNDS, "one person's limit used by all from two accounts"):
        accounts, number = [arena.people.customer() for _ in range(2)], uuid4().bytes * 2
        with arena.database.transaction() as session:
            for account in accounts:
                submission.grant_tier_3(session, account.user_id, note="race")
                is_own = Verification.user_id == account.user_id
                change_rows(session, Verification, is_own, id_number_index=number)

        def pay(account: Actor) -> None:
            with arena.database.transaction() as session:
                deposits.request(
                    session, account, method=PaymentMethod.CARD, amount=Amount(USD, 300_000)
                )

        acts = [lambda account=account: pay(account) for account in accounts] * (THREADS // 2)
        with fixed_settings(PaymentLimits(card_failures_per_hour=100, card_payments_per_day=100)):
            # Three times 3,000 dollars are within 10,000 a day.
            assert len(winners(arena.all_at_once(acts, random), LimitExceeded)) == 3
    record_property(
        "evidence",
        f"One person's limit of card payments used by all from two accounts: {ROUNDS} rounds of "
        f"{THREADS} threads; {ROUNDS * 3:,} within the limit, the rest refused.",
    )
