"""The ledger against a model of it: any sequence of verbs, compared after every step.

After each step the accounts, holds, entries and postings of the owners in the test are exactly the
model's, each asset sums to zero, and no account is overdrawn. A refusal leaves every row unchanged,
byte for byte.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from app.catalog.rules import PAXG, USD, XAU
from app.kit.db import Database, Row, Session
from app.kit.errors import Refusal
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountClass, AccountKey
from app.ledger.errors import HoldExpired, UnbalancedEntry
from app.ledger.service import NewPosting
from tests.drill import IS_FULL_SIZE, choose_size
from tests.ledger.model import GUARDED, Books, Hold, Postings, Reasons
from tests.stateful_model import STEPS_OF_ONE_RUN, ModelMachine, explore, planning_once

STEPS = choose_size(5_000, 50_000)
#: Long ago, so that expiring holds never finds one of another test.
START = datetime(1999, 1, 1, tzinfo=UTC)
ASSETS = (USD, PAXG, XAU)

_ACCOUNTS = """
SELECT a.asset, a.class, a.owner_id,
       CASE WHEN a.guarded THEN a.normal * b.posted ELSE coalesce(r.units, 0) + coalesce((
           SELECT sum(p.units) FROM postings p JOIN entries e ON e.id = p.entry_id
           WHERE p.account_id = a.id AND e.xid >= (SELECT xid FROM rollup_watermark)), 0) END,
       coalesce(b.held, 0), a.xmin::text, b.xmin::text
FROM accounts a
LEFT JOIN balances b ON b.account_id = a.id LEFT JOIN rollups r ON r.account_id = a.id
WHERE a.owner_id = ANY(%(owners)s) ORDER BY a.id
"""
_HOLDS = """
SELECT h.id, h.status, h.units, h.expires_at, e.reference, h.settled_at, h.xmin::text
FROM holds h JOIN accounts a ON a.id = h.account_id LEFT JOIN entries e ON e.id = h.entry_id
WHERE a.owner_id = ANY(%(owners)s) ORDER BY h.id
"""
# All entries since, on any account: no run makes two hundred.
_ENTRIES = """
SELECT e.reference, e.posted_at, r.reference, a.asset, a.class, a.owner_id, p.units,
       e.id
FROM (SELECT * FROM entries WHERE id > %(first)s ORDER BY id LIMIT 200) e
LEFT JOIN entries r ON r.id = e.reverses_id
LEFT JOIN postings p ON p.entry_id = e.id LEFT JOIN accounts a ON a.id = p.account_id
ORDER BY e.id, p.account_id
"""

picks = st.integers(0, 1000)
customers = st.integers(0, 2)
assets = st.sampled_from(ASSETS)
#: Metal is never owed to us.
debts = st.sampled_from([USD, PAXG])
amounts = st.integers(1, 1000)
minutes = st.integers(0, 20)


class LedgerMachine(ModelMachine):
    """Three customers and a house of their own, in three assets."""

    model: ClassVar[type[Books]] = Books

    @initialize()
    def start(self) -> None:
        self.books = self.model()
        self.now = START
        self.people = [uuid4() for _ in range(3)]
        self.house = uuid4()
        self.references = 0
        with self.database.reading() as session:
            row = session.row("SELECT coalesce(max(id), 0) FROM entries")
        assert row is not None
        self.first = self.last = row[0]
        self.posted: list[Row] = []
        self.collected = 0
        self.rows = self.read()
        for number in range(3):
            for asset in ASSETS:
                self.credit(number, asset, 1000)
        self.prepare()

    def prepare(self) -> None:
        """Bring the books into the state in which a wrong model soon differs."""

    @rule(number=customers, asset=assets, units=amounts)
    def pay_in(self, number: int, asset: Asset, units: int) -> None:
        self.credit(number, asset, units)

    def teardown(self) -> None:
        """Check that past entries are unchanged, and void the holds so that a later run finds
        none."""
        if not hasattr(self, "rows"):
            return
        self.last = self.first
        _, holds, entries = self.read()
        with self.database.transaction() as session:
            for hold_id, status, *_ in holds:
                if status == "pending":
                    ledger.void_holds(session, [hold_id], at=self.now)
        assert entries == self.posted

    def read(self) -> list[list[Row]]:
        """Return the owners' accounts and holds, and the entries since the last step."""
        scope = {"owners": [*self.people, self.house], "first": self.last}
        with self.database.reading() as session:
            return session.fetch((_ACCOUNTS, scope), (_HOLDS, scope), (_ENTRIES, scope))

    def customer(self, number: int, asset: Asset) -> AccountKey:
        return chart.customer(self.people[number], asset)

    def own(self, line: AccountClass, asset: Asset) -> AccountKey:
        return AccountKey(asset, line, self.house)

    def reference(self) -> str:
        self.references += 1
        return f"{self.house}:{self.references}"

    def attempt(self, reasons: Reasons, verb: Callable[[Session], object]) -> None:
        """Run the verb: it succeeds, or is refused for one of the reasons without effect."""
        self.tally["steps"] += 1
        refusal = None
        try:
            with self.database.transaction() as session:
                verb(session)
        except (Refusal, UnbalancedEntry) as raised:
            refusal = raised
            self.tally[type(refusal).__name__] += 1
        before, self.rows = self.rows, self.read()
        if refusal is not None:
            assert self.rows == before
        assert (type(refusal) in reasons) if reasons else (refusal is None), (refusal, reasons)

    def post_entry(
        self, postings: Postings, *, reference: str | None = None, hold_ids: Sequence[UUID] = ()
    ) -> None:
        reference = reference or self.reference()
        reasons = self.books.post(reference, postings, self.now, hold_ids=hold_ids)
        self.attempt(
            reasons,
            lambda session: ledger.post(
                session,
                cause="model",
                reference=reference,
                posted_at=self.now,
                postings=[NewPosting(account, units) for account, units in postings.items()],
                hold_ids=hold_ids,
            ),
        )

    def credit(self, number: int, asset: Asset, units: int) -> None:
        capital = self.own(AccountClass.CAPITAL, asset)
        self.post_entry({self.customer(number, asset): -units, capital: units})

    @rule(number=customers, asset=debts, units=st.integers(1, 5000))
    def take_back(self, number: int, asset: Asset, units: int) -> None:
        """Take back more than is free: the rest is owed."""
        free = self.books.available(self.customer(number, asset))
        self.change_debt(number, asset, free + units)

    @rule(number=customers, asset=debts, units=amounts)
    def give_back(self, number: int, asset: Asset, units: int) -> None:
        """Give back, also more than is owed: the rest is free."""
        self.change_debt(number, asset, -units)

    def change_debt(self, number: int, asset: Asset, units: int) -> None:
        processor, receivable = AccountClass.PROCESSOR, chart.receivable(self.people[number], asset)
        self.post_entry({self.own(processor, asset): -units, receivable: units})

    @rule(number=customers, other=st.integers(1, 2), asset=assets, units=amounts)
    def pay(self, number: int, other: int, asset: Asset, units: int) -> None:
        receiver = self.customer((number + other) % 3, asset)
        self.post_entry({self.customer(number, asset): units, receiver: -units})

    @rule(
        number=customers,
        pair=st.permutations(ASSETS),
        given_units=amounts,
        received_units=amounts,
        fee=minutes,
    )
    def convert(
        self, number: int, pair: list[Asset], given_units: int, received_units: int, fee: int
    ) -> None:
        source, target, _ = pair
        self.post_entry(
            {
                self.own(AccountClass.POSITION, target): received_units,
                self.customer(number, target): -received_units,
                self.own(AccountClass.FEES, source): -fee,
                self.own(AccountClass.POSITION, source): fee - given_units,
                self.customer(number, source): given_units,
            }
        )

    @rule(number=customers, asset=assets, units=amounts, off=st.sampled_from([-1, 1]))
    def lose_a_unit(self, number: int, asset: Asset, units: int, off: int) -> None:
        fees = self.own(AccountClass.FEES, asset)
        self.post_entry({self.customer(number, asset): units, fees: off - units})

    @rule(asset=assets)
    def move_nothing(self, asset: Asset) -> None:
        self.post_entry({self.own(AccountClass.FEES, asset): 0})

    @precondition(lambda self: self.books.entries)
    @rule(pick=picks, number=customers, units=amounts)
    def repeat(self, pick: int, number: int, units: int) -> None:
        references = list(self.books.entries)
        capital = self.own(AccountClass.CAPITAL, USD)
        self.post_entry(
            {self.customer(number, USD): -units, capital: units},
            reference=references[pick % len(references)],
        )

    @precondition(lambda self: self.books.entries)
    @rule(pick=picks)
    def reverse(self, pick: int) -> None:
        references = list(self.books.entries)
        reverses, reference = references[pick % len(references)], self.reference()
        self.attempt(
            self.books.reverse(reference, reverses, self.now),
            lambda session: ledger.reverse(
                session,
                reference=reference,
                reverses=reverses,
                cause="model",
                posted_at=self.now,
            ),
        )

    @rule(number=customers, asset=assets, units=amounts, minutes_held=st.none() | minutes)
    def place(self, number: int, asset: Asset, units: int, minutes_held: int | None) -> None:
        hold_id, account = uuid4(), self.customer(number, asset)
        expires_at = None if minutes_held is None else self.now + timedelta(minutes=minutes_held)
        self.attempt(
            self.books.place(hold_id, account, units, expires_at),
            lambda session: ledger.place_hold(
                session,
                hold_id=hold_id,
                account=account,
                amount=Amount(asset, units),
                cause="model",
                placed_at=self.now,
                expires_at=expires_at,
            ),
        )

    def pick_hold(self, pick: int) -> tuple[UUID, Hold]:
        """Return a settled hold once in four times, else a pending one if there is any."""
        pending = [item for item in self.books.holds.items() if item[1].status == "pending"]
        items = list(self.books.holds.items()) if pick % 4 == 0 or not pending else pending
        return items[pick % len(items)]

    @precondition(lambda self: self.books.holds)
    @rule(pick=picks, percent=st.sampled_from([1, 50, 100, 100, 101, -50]))
    def post_hold(self, pick: int, percent: int) -> None:
        hold_id, hold = self.pick_hold(pick)
        units = hold.units * percent // 100 or 1
        fees = self.own(AccountClass.FEES, hold.account.asset)
        self.post_entry({hold.account: units, fees: -units}, hold_ids=[hold_id])

    @precondition(lambda self: self.books.holds)
    @rule(pick=picks, number=customers, asset=assets)
    def post_hold_from(self, pick: int, number: int, asset: Asset) -> None:
        fees = self.own(AccountClass.FEES, asset)
        hold_id, _ = self.pick_hold(pick)
        self.post_entry({self.customer(number, asset): 1, fees: -1}, hold_ids=[hold_id])

    @precondition(lambda self: self.books.holds)
    @rule(
        chosen=st.lists(picks, min_size=2, max_size=4), percent=st.sampled_from([100, 100, 60, 101])
    )
    def post_several_holds(self, chosen: list[int], percent: int) -> None:
        """Post several holds, some of them on one account or the same one twice."""
        holds = dict(map(self.pick_hold, chosen))
        held: Counter[AccountKey] = Counter()
        for hold in holds.values():
            held[hold.account] += hold.units
        postings: Counter[AccountKey] = Counter()
        for account, units in held.items():
            taken = units * percent // 100 or 1
            postings[account] += taken
            postings[self.own(AccountClass.FEES, account.asset)] -= taken
        self.post_entry(postings, hold_ids=[self.pick_hold(pick)[0] for pick in chosen])

    @precondition(lambda self: self.books.holds)
    @rule(chosen=st.lists(picks, min_size=1, max_size=3))
    def void(self, chosen: list[int]) -> None:
        """Void one hold, or several, some of them on one account or the same one twice."""
        hold_ids = [self.pick_hold(pick)[0] for pick in chosen]
        self.attempt(
            self.books.void(hold_ids, self.now),
            lambda session: ledger.void_holds(session, hold_ids, at=self.now),
        )

    @rule(passed=minutes)
    def wait_and_sweep(self, passed: int) -> None:
        self.now += timedelta(minutes=passed)
        expected = self.books.expire(self.now)
        expired: list[int] = []
        self.attempt(
            set(), lambda session: expired.append(ledger.expire_holds(session, now=self.now))
        )
        assert expired == [expected]

    @rule(passed=minutes)
    def wait(self, passed: int) -> None:
        self.now += timedelta(minutes=passed)

    @rule()
    def roll_up(self) -> None:
        self.attempt(set(), ledger.roll_up)

    @invariant()
    def agrees_with_the_model(self) -> None:
        if not hasattr(self, "books"):
            return
        accounts, holds, entries = self.rows
        balances = {
            (asset, line, owner): (int(units), held)
            for asset, line, owner, units, held, *_ in accounts
        }
        assert balances == {
            (account.asset.code, account.account_class, account.owner_id): (
                units,
                self.books.held(account),
            )
            for account, units in self.books.units.items()
        }
        for (asset, line, owner), (units, held) in balances.items():
            if line in GUARDED:
                assert -units >= held >= 0
                owed, _ = balances.get((asset, AccountClass.RECEIVABLE, owner), (0, 0))
                assert owed == 0 or (owed > 0 and -units == held), "free beside a debt"
        for asset in ASSETS:
            assert sum(units for key, (units, _) in balances.items() if key[0] == asset.code) == 0
        assert {row[0]: row[1:5] for row in holds} == {
            hold_id: (hold.status, hold.units, hold.expires_at, hold.reference)
            for hold_id, hold in self.books.holds.items()
        }
        self.compare_new(entries)

    def compare_new(self, entries: list[Row]) -> None:
        """Check that the entries since the last step are those of the model."""
        compared = {row[0] for row in self.posted}
        new_entries = [
            (reference, entry)
            for reference, entry in self.books.entries.items()
            if reference not in compared
        ]
        new_entries += [("col", entry) for entry in self.books.collections[self.collected :]]
        self.collected = len(self.books.collections)
        assert sorted(
            ("col" if row[0].startswith("col_") else row[0], *row[1:7]) for row in entries
        ) == sorted(
            (
                *(reference, entry.posted_at, entry.reverses),
                *(account.asset.code, account.account_class, account.owner_id, units),
            )
            for reference, entry in new_entries
            for account, units in entry.postings.items()
        )
        self.posted += entries
        self.last = max((row[7] for row in entries), default=self.last)
        self.rows[2] = []


@pytest.fixture
def database(lone_app: Flask) -> Iterator[Database]:
    """Yield a database of its own: thousands of entries would slow the checks after other tests."""
    with planning_once(lone_app.extensions["database"]) as database:
        yield database


@pytest.mark.drill(name="model")
@pytest.mark.timeout(7200 if IS_FULL_SIZE else 600)
def test_ledger_agrees_with_its_model(
    database: Database, record_property: Callable[[str, object], None]
) -> None:
    tally: Counter[str] = Counter()
    machine = type("Ledger", (LedgerMachine,), {"database": database, "tally": tally})
    # A few more steps than requested, since a run may end early.
    explore(machine, STEPS, "steps of the model")
    steps = tally.pop("steps")
    refusals = ", ".join(f"{name} {count:,}" for name, count in sorted(tally.items()))
    record_property(
        "evidence",
        f"{steps:,} steps in runs of {STEPS_OF_ONE_RUN}, compared after each; "
        f"{tally.total():,} of them refused, without a trace: {refusals}.",
    )


class KeepsTheRestOfAHold(Books):
    """Wrong: the rest of a partly posted hold stays held."""

    def held(self, account: AccountKey) -> int:
        rest = sum(
            hold.units - self.entries[hold.reference].postings[account]
            for hold in self.holds.values()
            if hold.account == account and hold.reference is not None
        )
        return super().held(account) + rest


class ReversesTwice(Books):
    """Wrong: an entry can be reversed again."""

    def reverse(self, reference: str, reverses: str, at: datetime) -> Reasons:
        mirror = {account: -units for account, units in self.entries[reverses].postings.items()}
        return self.post(reference, mirror, at)


class IgnoresHolds(Books):
    """Wrong: held money can be spent."""

    def available(self, account: AccountKey) -> int:
        return -self.units.get(account, 0)


class PostsAfterExpiry(Books):
    """Wrong: a hold can be posted though it has expired."""

    def _against_posting(self, *args: Any) -> Reasons:
        return super()._against_posting(*args) - {HoldExpired}


class CollectsNothingOfAHold(Books):
    """Wrong: a debt is not collected from what a voided hold frees."""

    def void(self, hold_ids: Sequence[UUID], at: datetime) -> Reasons:
        kept, self.settle = self.settle, lambda *_: None
        reasons = super().void(hold_ids, at)
        self.settle = kept
        return reasons


def _owe_beside_a_hold(machine: LedgerMachine) -> None:
    machine.place(0, USD, 500, None)
    machine.take_back(0, USD, 100)


@pytest.mark.drill(name="model")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "wrong",
    [
        KeepsTheRestOfAHold,
        ReversesTwice,
        IgnoresHolds,
        PostsAfterExpiry,
        CollectsNothingOfAHold,
    ],
)
def test_control_wrong_model_is_detected(
    database: Database, wrong: type[Books], record_property: Callable[[str, object], None]
) -> None:
    tally: Counter[str] = Counter()
    members = {"database": database, "tally": tally, "model": wrong}
    if wrong is CollectsNothingOfAHold:
        members["prepare"] = _owe_beside_a_hold
    machine = type("Wrong", (LedgerMachine,), members)
    with pytest.raises(AssertionError):
        explore(machine, STEPS, "control")
    record_property(
        "evidence",
        f"Control: a model that differs ({wrong.__doc__.removeprefix('Wrong: ').rstrip('.')}) was "
        f"caught within {tally['steps']:,} steps.",
    )
