"""opening + movements = closing, whatever happened and whichever period is asked for."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.rules import FUNDING, PAXG, USD, XAU, Wallet, wallet_of
from app.kit import ids
from app.kit.db import SNAPSHOT, Database
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import service as ledger
from app.reporting import statements
from app.reporting.movement_labels import MovementKind
from app.reporting.movements import Sought, movements_of
from app.reporting.statements import Period, Statement, statement_of
from tests.people import People

START = datetime(2021, 5, 1, tzinfo=UTC)
STEP = timedelta(microseconds=1)
#: A few instants, so that several entries share one, and entries are not in their order.
INSTANTS = [START + timedelta(hours=hours) for hours in range(5)]
EDGES = sorted({edge + off for edge in INSTANTS for off in (-STEP, STEP * 0, STEP)})


class Books:
    """One customer's books, and what became of them in plain Python."""

    def __init__(self, database: Database, owner: UUID) -> None:
        self.database, self.owner = database, owner
        self.movements: list[tuple[datetime, Asset, int]] = []
        self.holds: list[tuple[UUID, Asset, int, datetime, datetime | None]] = []
        self.entries: list[tuple[str, dict[Asset, int]]] = []
        self.reversed: set[str] = set()

    def post(self, at: datetime, moves: dict[Asset, int], hold: UUID | None = None) -> None:
        reference = f"statement:{uuid4()}"
        postings = []
        for asset, units in moves.items():
            amount = Amount(asset, units)
            postings += [
                ledger.credit(chart.customer(self.owner, asset), amount),
                ledger.debit(chart.capital(asset), amount),
            ]
        with self.database.transaction() as session:
            ledger.post(
                session, cause="trade" if len(moves) > 1 else "test", reference=reference,
                posted_at=at, postings=postings, hold_id=hold,
            )  # fmt: skip
        self.entries.append((reference, moves))
        self.movements += [(at, asset, units) for asset, units in moves.items()]

    def reverse(self, at: datetime, number: int) -> None:
        reference, moves = self.entries[number % len(self.entries)]
        if reference in self.reversed or not self._affords(moves):
            return
        self.reversed.add(reference)
        with self.database.transaction() as session:
            ledger.reverse(
                session, reference=f"{reference}:back", reverses=reference, cause="test",
                posted_at=at,
            )  # fmt: skip
        self.movements += [(at, asset, -units) for asset, units in moves.items()]

    def hold(self, at: datetime, asset: Asset, units: int, ending: str, until: datetime) -> None:
        if self._available(asset) < units:
            return
        identifier = ids.new()
        with self.database.transaction() as session:
            ledger.place_hold(
                session, hold_id=identifier, account=chart.customer(self.owner, asset),
                amount=Amount(asset, units), cause="test", placed_at=at,
            )  # fmt: skip
            if ending == "void":
                ledger.void_hold(session, identifier, at=until)
        if ending == "post":
            self.post(until, {asset: -units}, identifier)
        settled = until if ending != "stay" else None
        self.holds.append((identifier, asset, units, at, settled))

    def _available(self, asset: Asset) -> int:
        posted = sum(units for _, code, units in self.movements if code == asset)
        return posted - sum(each[2] for each in self.holds if each[1] == asset and each[4] is None)

    def _affords(self, moves: dict[Asset, int]) -> bool:
        return all(self._available(asset) >= units for asset, units in moves.items())

    def balance(self, asset: Asset, before: datetime) -> int:
        return sum(units for at, code, units in self.movements if code == asset and at < before)

    def held(self, asset: Asset, before: datetime) -> int:
        return sum(
            units
            for _, code, units, placed, settled in self.holds
            if code == asset and placed < before and (settled is None or settled >= before)
        )


def statement(database: Database, owner: UUID, account: Wallet, period: Period) -> Statement:
    with database.transaction(SNAPSHOT) as session:
        return statement_of(session, owner, account, period)


instants = st.sampled_from(INSTANTS)
units = st.integers(1, 500)
steps = st.one_of(
    st.tuples(st.just("credit"), instants, st.sampled_from([USD, XAU]), units),
    st.tuples(st.just("trade"), instants, units, units),
    st.tuples(st.just("reverse"), instants, st.integers(0, 50)),
    st.tuples(
        st.just("hold"), instants, st.sampled_from([USD, XAU]), units,
        st.sampled_from(["stay", "void", "post"]), instants,
    ),
)  # fmt: skip


@given(
    steps=st.lists(steps, max_size=8),
    edges=st.lists(st.sampled_from(EDGES), min_size=2, max_size=2).map(sorted),
)
@settings(max_examples=25)
def test_opening_and_movements_are_closing(app, steps, edges) -> None:
    database: Database = app.extensions["database"]
    books = Books(database, People(database).customer().user_id)
    books.post(INSTANTS[1], {USD: 1000, XAU: 1000})
    for verb, at, *more in steps:
        if verb == "credit":
            books.post(at, {more[0]: more[1]})
        elif verb == "trade" and books._affords({USD: more[0]}):
            books.post(at, {USD: -more[0], XAU: more[1]})
        elif verb == "reverse":
            books.reverse(at, more[0])
        elif verb == "hold":
            books.hold(at, more[0], more[1], more[2], max(at, more[3]))
    period = Period(*edges)
    for asset in (USD, XAU):
        found = statement(database, books.owner, wallet_of(asset), period)
        [sheet] = [each for each in found.sheets if each.asset == asset]
        within = sorted(
            (at, change)
            for at, code, change in books.movements
            if code == asset and period.start <= at < period.end
        )
        assert sheet.opening.units == books.balance(asset, period.start)
        assert sheet.closing.units == books.balance(asset, period.end)
        assert sheet.held.units == books.held(asset, period.end)
        said = [(line.movement.posted_at, line.movement.amount.units) for line in sheet.lines]
        assert sorted(said) == within
        assert [at for at, _ in said] == [at for at, _ in within]
        balance = sheet.opening
        for line in sheet.lines:
            balance += line.movement.amount
            assert line.balance == balance
        assert balance == sheet.closing
        assert sheet.opening + sheet.credits + sheet.debits == sheet.closing
        # Two periods that meet lose nothing and count nothing twice.
        before = statement(database, books.owner, wallet_of(asset), Period(START, period.start))
        [earlier] = [each for each in before.sheets if each.asset == asset]
        if period.start >= START:
            assert earlier.closing == sheet.opening


def test_a_hold_is_held_from_its_instant_up_to_the_one_in_which_it_ends(database, people) -> None:
    books = Books(database, people.customer().user_id)
    books.post(START, {USD: 1000})
    placed, ended = INSTANTS[1], INSTANTS[3]
    books.hold(placed, USD, 400, "post", ended)
    books.hold(placed, USD, 300, "void", ended)
    for end, held, closing in (
        (placed, "0.00", "10.00"),
        (placed + STEP, "7.00", "10.00"),
        (ended, "7.00", "10.00"),
        (ended + STEP, "0.00", "6.00"),
    ):
        sheet = statement(database, books.owner, Wallet.FUNDING, Period(START, end)).sheets[0]
        assert (str(sheet.held), str(sheet.closing)) == (held, closing), end


class TestWords:
    def test_an_entry_says_what_it_was_and_what_else_it_did(self, database, people) -> None:
        person = people.customer()
        books = Books(database, person.user_id)
        books.post(START, {USD: 10_000})
        books.post(START, {USD: -4_000, XAU: 1_000_000})
        books.reverse(START, 1)
        sheet = statement(
            database, person.user_id, Wallet.FUNDING, Period(START, START + STEP)
        ).sheets[0]
        assert [line.movement.description for line in sheet.lines] == [
            "Test",
            "Trade to 0.01000000 XAU-s",
            "Reversal: trade from 0.01000000 XAU-s",
        ]
        assert [str(line.balance) for line in sheet.lines] == ["100.00", "60.00", "100.00"]
        with database.reading() as session:
            back = movements_of(session, person.user_id, Sought(kind=MovementKind.REVERSAL), 9)
            others = movements_of(session, person.user_id, Sought(kind=MovementKind.OTHER), 9)
        assert {each.kind for each in back.data} == {MovementKind.REVERSAL}
        assert (len(back.data), len(others.data)) == (2, 1)

    def test_a_fee_is_said_beside_the_amount_that_holds_it(self, database, people) -> None:
        person = people.customer()
        amount, fee = Amount(USD, 10_000), Amount(USD, 50)
        with database.transaction() as session:
            ledger.post(
                session, cause="deposit", reference=f"x:{uuid4()}", posted_at=START,
                postings=[
                    ledger.debit(chart.capital(USD), amount),
                    ledger.credit(chart.customer(person.user_id, USD), amount - fee),
                    ledger.credit(chart.fees(USD), fee),
                ],
            )  # fmt: skip
        found = statement(database, person.user_id, Wallet.FUNDING, Period(START, START + STEP))
        [line] = found.sheets[0].lines
        assert (str(line.movement.amount), str(line.movement.fee)) == ("99.50", "0.50")

    def test_what_is_owed_stands_beside_the_balance(self, database, people) -> None:
        person = people.customer()
        owed = Amount(USD, 2_500)
        with database.transaction() as session:
            ledger.post(
                session, cause="payment_taken_back", reference=f"x:{uuid4()}", posted_at=START,
                postings=[
                    ledger.debit(chart.receivable(person.user_id, USD), owed),
                    ledger.credit(chart.capital(USD), owed),
                ],
            )  # fmt: skip
        before, after = Period(START - STEP, START), Period(START - STEP, START + STEP)
        sheets = [
            statement(database, person.user_id, Wallet.FUNDING, period).sheets[0]
            for period in (before, after)
        ]
        assert [str(sheet.owed) for sheet in sheets] == ["0.00", "25.00"]
        assert [str(sheet.closing) for sheet in sheets] == ["0.00", "0.00"]


class TestRefusals:
    def test_nobody_has_none(self, database) -> None:
        with pytest.raises(NotFound):
            statement(database, uuid4(), Wallet.FUNDING, Period(START, START + STEP))

    def test_an_asset_of_the_other_account(self, database, people) -> None:
        person = people.customer()
        with database.transaction(SNAPSHOT) as session, pytest.raises(Invalid, match="funding"):
            statement_of(session, person.user_id, Wallet.FUNDING, Period(START, START + STEP), XAU)

    def test_more_movements_than_can_be_written(self, database, people, monkeypatch) -> None:
        person = people.customer()
        books = Books(database, person.user_id)
        for _ in range(3):
            books.post(START, {USD: 100, PAXG: 100})
        period = Period(START, START + STEP)
        with database.transaction(SNAPSHOT) as session:
            kept = statement_of(session, person.user_id, Wallet.FUNDING, period, movements_max=6)
            assert [len(sheet.lines) for sheet in kept.sheets] == [3, 0, 3]
            with pytest.raises(Invalid, match="more than 5 movements"):
                statement_of(session, person.user_id, Wallet.FUNDING, period, movements_max=5)

    @pytest.mark.parametrize(
        ("start", "end", "wrong"),
        [
            (None, START + STEP, "to"),
            (START, START - STEP, "from"),
            (None, datetime(1, 1, 1, tzinfo=UTC), "to"),
        ],
    )
    def test_a_period_that_is_none(self, start, end, wrong) -> None:
        with time_machine.travel(START, tick=False), pytest.raises(Invalid) as refused:
            Period.of(start, end)
        assert refused.value.field == wrong


class TestPeriod:
    def test_is_of_the_month_in_which_it_ends(self) -> None:
        with time_machine.travel(datetime(2031, 3, 4, 5, tzinfo=UTC), tick=False):
            march, april = datetime(2031, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)
            assert Period.of(None, None) == Period(march, datetime(2031, 3, 4, 5, tzinfo=UTC))
            assert Period.of(None, START) == Period(april, START)
            assert Period.of(march, None).start == march


def test_an_account_that_was_never_used_is_all_zero(database, people) -> None:
    found = statement(database, people.customer().user_id, Wallet.FUNDING, Period(START, START))
    assert [sheet.asset for sheet in found.sheets] == list(FUNDING)
    assert all(sheet.is_empty and not sheet.held for sheet in found.sheets)
    assert statements.MOVEMENTS_MAX > statements.PRINTED_MAX
