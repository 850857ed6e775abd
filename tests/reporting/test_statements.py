"""Statements: opening + movements = closing, for any books and any period."""

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
from app.reporting.movements import MovementFilter, list_movements
from app.reporting.statements import AccountStatement, Period, build_statement
from tests.people import People

START = datetime(2021, 5, 1, tzinfo=UTC)
STEP = timedelta(microseconds=1)
#: Few instants, so that several entries share one and entries are posted out of order.
INSTANTS = [START + timedelta(hours=hours) for hours in range(5)]
EDGES = sorted({edge + off for edge in INSTANTS for off in (-STEP, STEP * 0, STEP)})


class Books:
    """One customer's books, and the same in plain Python."""

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
                posted_at=at, postings=postings, hold_ids=[hold] if hold else [],
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
                ledger.void_holds(session, [identifier], at=until)
        if ending == "post":
            self.post(until, {asset: -units}, identifier)
        settled = until if ending != "stay" else None
        self.holds.append((identifier, asset, units, at, settled))

    def _available(self, asset: Asset) -> int:
        posted = sum(units for _, code, units in self.movements if code == asset)
        return posted - sum(hold[2] for hold in self.holds if hold[1] == asset and hold[4] is None)

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


def statement(database: Database, owner: UUID, account: Wallet, period: Period) -> AccountStatement:
    with database.transaction(SNAPSHOT) as session:
        return build_statement(session, owner, account, period)


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
def test_opening_plus_movements_is_closing_for_any_books_and_period(app, steps, edges) -> None:
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
        whole = statement(database, books.owner, wallet_of(asset), period)
        [section] = [part for part in whole.asset_statements if part.asset == asset]
        expected = sorted(
            (at, change)
            for at, code, change in books.movements
            if code == asset and period.start <= at < period.end
        )
        assert section.opening.units == books.balance(asset, period.start)
        assert section.closing.units == books.balance(asset, period.end)
        assert section.held.units == books.held(asset, period.end)
        listed = [(line.movement.posted_at, line.movement.amount.units) for line in section.lines]
        assert sorted(listed) == expected
        assert [at for at, _ in listed] == [at for at, _ in expected]
        balance = section.opening
        for line in section.lines:
            balance += line.movement.amount
            assert line.balance == balance
        assert balance == section.closing
        assert section.opening + section.credits + section.debits == section.closing
        # Adjacent periods lose nothing and count nothing twice.
        before = statement(database, books.owner, wallet_of(asset), Period(START, period.start))
        [earlier] = [part for part in before.asset_statements if part.asset == asset]
        if period.start >= START:
            assert earlier.closing == section.opening


def test_hold_counts_from_its_placement_until_it_ends(database, people) -> None:
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
        section = statement(
            database, books.owner, Wallet.FUNDING, Period(START, end)
        ).asset_statements[0]
        assert (str(section.held), str(section.closing)) == (held, closing), end


class TestMovements:
    def test_movement_description_names_the_cause_and_the_counterpart(
        self, database, people
    ) -> None:
        person = people.customer()
        books = Books(database, person.user_id)
        books.post(START, {USD: 10_000})
        books.post(START, {USD: -4_000, XAU: 1_000_000})
        books.reverse(START, 1)
        section = statement(
            database, person.user_id, Wallet.FUNDING, Period(START, START + STEP)
        ).asset_statements[0]
        assert [line.movement.description for line in section.lines] == [
            "Test",
            "Trade to 0.0100 XAU-s",
            "Reversal: trade from 0.0100 XAU-s",
        ]
        assert [str(line.balance) for line in section.lines] == ["100.00", "60.00", "100.00"]
        with database.reading() as session:
            reversals = list_movements(
                session, person.user_id, MovementFilter(kind=MovementKind.REVERSAL), 9
            )
            others = list_movements(
                session, person.user_id, MovementFilter(kind=MovementKind.OTHER), 9
            )
        assert {movement.kind for movement in reversals.data} == {MovementKind.REVERSAL}
        assert (len(reversals.data), len(others.data)) == (2, 1)

    def test_fee_is_shown_beside_the_amount_that_includes_it(self, database, people) -> None:
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
        funding = statement(database, person.user_id, Wallet.FUNDING, Period(START, START + STEP))
        [line] = funding.asset_statements[0].lines
        assert (str(line.movement.amount), str(line.movement.fee)) == ("99.50", "0.50")

    def test_debt_is_shown_beside_the_balance_and_not_in_it(self, database, people) -> None:
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
        sections = [
            statement(database, person.user_id, Wallet.FUNDING, period).asset_statements[0]
            for period in (before, after)
        ]
        assert [str(section.owed) for section in sections] == ["0.00", "25.00"]
        assert [str(section.closing) for section in sections] == ["0.00", "0.00"]


class TestRefusals:
    def test_statement_of_an_unknown_person_is_refused(self, database) -> None:
        with pytest.raises(NotFound):
            statement(database, uuid4(), Wallet.FUNDING, Period(START, START + STEP))

    def test_asset_of_the_other_account_is_refused(self, database, people) -> None:
        person = people.customer()
        with database.transaction(SNAPSHOT) as session, pytest.raises(Invalid, match="funding"):
            build_statement(
                session, person.user_id, Wallet.FUNDING, Period(START, START + STEP), XAU
            )

    def test_period_with_too_many_movements_is_refused(self, database, people, monkeypatch) -> None:
        person = people.customer()
        books = Books(database, person.user_id)
        for _ in range(3):
            books.post(START, {USD: 100, PAXG: 100})
        period = Period(START, START + STEP)
        with database.transaction(SNAPSHOT) as session:
            accepted = build_statement(
                session, person.user_id, Wallet.FUNDING, period, movements_max=6
            )
            assert [len(section.lines) for section in accepted.asset_statements] == [3, 0, 3]
            with pytest.raises(Invalid, match="more than 5 movements"):
                build_statement(session, person.user_id, Wallet.FUNDING, period, movements_max=5)

    @pytest.mark.parametrize(
        ("start", "end", "field"),
        [
            (None, START + STEP, "to"),
            (START, START - STEP, "from"),
            (None, datetime(1, 1, 1, tzinfo=UTC), "to"),
        ],
    )
    def test_impossible_period_is_refused_at_its_field(self, start, end, field) -> None:
        with time_machine.travel(START, tick=False), pytest.raises(Invalid) as refused:
            Period.between(start, end)
        assert refused.value.field == field


class TestPeriod:
    def test_period_defaults_to_the_month_in_which_it_ends(self) -> None:
        with time_machine.travel(datetime(2031, 3, 4, 5, tzinfo=UTC), tick=False):
            march, april = datetime(2031, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)
            assert Period.between(None, None) == Period(march, datetime(2031, 3, 4, 5, tzinfo=UTC))
            assert Period.between(None, START) == Period(april, START)
            assert Period.between(march, None).start == march


def test_unused_account_has_only_zeros(database, people) -> None:
    unused = statement(database, people.customer().user_id, Wallet.FUNDING, Period(START, START))
    assert [section.asset for section in unused.asset_statements] == list(FUNDING)
    assert all(section.is_empty and not section.held for section in unused.asset_statements)
    assert statements.MOVEMENTS_MAX > statements.PDF_MOVEMENTS_MAX
