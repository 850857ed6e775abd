"""Closed periods, which the database keeps closed, and adjusting entries: two people each."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from flask import Flask

from app.access import Actor, Permission, Role
from app.approvals import queries as approvals_queries
from app.approvals import service as approvals
from app.approvals.errors import SelfApproval
from app.books import adjusting, closing
from app.books import queries as books_queries
from app.books.adjusting import AdjustingLine
from app.books.errors import ClosedAlready, NothingClosed, PeriodClosed
from app.books.periods import BooksPeriod, ComparedPeriod
from app.catalog.rules import USD
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid, PermissionDenied
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import HOUSE
from tests.people import People

JUNE_30, END = date(2025, 6, 30), datetime(2025, 7, 1, tzinfo=UTC)
INSIDE = END - timedelta(microseconds=1)
FEES, COSTS = (f"{each}/{HOUSE.hex}" for each in ("fees", "processing_costs"))
REASON = "The year is over"
Request = Callable[[Session, Actor], UUID]


class Office:
    """Two administrators, and the database where they close periods."""

    def __init__(self, app: Flask) -> None:
        self.database: Database = app.extensions["database"]
        people = People(self.database)
        self.maker, self.checker = people.staff(Role.ADMIN), people.staff(Role.ADMIN)

    def decide(self, request: Request, checker: Actor | None = None) -> None:
        """Request as the maker, and approve as another person."""
        with self.database.transaction() as session:
            approval_id = request(session, self.maker)
        with self.database.transaction() as session:
            seen = approvals_queries.get_approval(session, approval_id).hash
            approvals.approve(session, checker or self.checker, approval_id, seen_hash=seen)

    def close(self, until: date = JUNE_30) -> None:
        self.decide(lambda s, maker: closing.request_closing(s, maker, until, reason=REASON))

    def reopen(self) -> None:
        self.decide(lambda s, maker: closing.request_reopening(s, maker, reason=REASON))

    def adjust(self, *lines: AdjustingLine, on: date = JUNE_30) -> None:
        self.decide(
            lambda s, maker: adjusting.request_adjustment(
                s, maker, on=on, asset="USD", lines=lines, reason=REASON
            )
        )

    def post(self, at: datetime) -> None:
        """Post an entry as any act of the product does, dated so."""
        with self.database.transaction() as session:
            ledger.post(
                session,
                cause="test",
                reference=f"test:{ids.new()}",
                posted_at=at,
                postings=[
                    ledger.NewPosting(chart.processing_costs(USD), 7),
                    ledger.NewPosting(chart.fees(USD), -7),
                ],
            )


@pytest.fixture
def office(lone_app: Flask) -> Office:
    return Office(lone_app)


def test_closed_period_takes_only_adjusting_entries_until_it_is_reopened(office: Office) -> None:
    office.post(INSIDE)
    office.close()
    with pytest.raises(PeriodClosed):
        office.post(INSIDE)
    office.post(END)
    office.adjust(AdjustingLine(COSTS, "12.50", ""), AdjustingLine(FEES, "", "12.50"))
    with office.database.transaction() as session:
        [everything, *_] = books_queries.list_scopes(session)
        statement = books_queries.read_statement(
            session, everything, BooksPeriod(INSIDE, END), ComparedPeriod.NONE
        )
    # It is in the statements of the closed period, and apart in the trial balance.
    assert {
        line.account_class: (line.before.units, line.adjusting.units, line.balance.units)
        for line in statement.trial_balance
    } == {"fees": (-7, -1250, -1257), "processing_costs": (7, 1250, 1257)}
    office.reopen()
    office.post(INSIDE)
    with pytest.raises(NothingClosed):
        office.reopen()


def test_later_closing_covers_earlier_ones_and_is_reopened_alone(office: Office) -> None:
    office.close(date(2025, 5, 31))
    office.close()
    with pytest.raises(ClosedAlready):
        office.close(date(2025, 6, 29))
    office.reopen()
    office.post(INSIDE)
    with pytest.raises(PeriodClosed):
        office.post(datetime(2025, 5, 31, 23, 59, tzinfo=UTC))


def test_one_person_closes_nothing(office: Office) -> None:
    with pytest.raises(SelfApproval):
        office.decide(
            lambda s, maker: closing.request_closing(s, maker, JUNE_30, reason=REASON),
            checker=office.maker,
        )
    office.post(INSIDE)


def test_database_refuses_a_closing_without_two_people(office: Office) -> None:
    """Whatever the application does: the row needs an approved request of this kind."""
    with office.database.transaction() as session:
        approval_id = closing.request_closing(session, office.maker, JUNE_30, reason=REASON)
    insert = (
        "INSERT INTO book_closings (id, ends_at, approval_id, closed_at) VALUES (%s, %s, %s, now())"
    )
    with pytest.raises(psycopg.Error) as refused, office.database.transaction() as session:
        session.send(insert, (ids.new(), END, approval_id))
    assert refused.value.diag.constraint_name == "closing_is_approved"


def test_period_is_closed_an_hour_after_its_end(office: Office) -> None:
    today = clock.now().date()
    with pytest.raises(Invalid), office.database.transaction() as session:
        closing.request_closing(session, office.maker, today, reason=REASON)


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([(COSTS, "1", ""), (FEES, "", "1.01")], "debit_1"),
        ([(COSTS, "1", "")], "debit_1"),
        ([(COSTS, "1", "1"), (FEES, "", "1")], "debit_1"),
        ([(COSTS, "", ""), (FEES, "", "1")], "debit_1"),
        ([(COSTS, "1", ""), (FEES, "", "x")], "credit_2"),
        ([(COSTS, "1", ""), (COSTS, "", "1")], "account_2"),
        ([(COSTS, "1", ""), (f"customer.funding/{HOUSE.hex}", "", "1")], "account_2"),
        ([(COSTS, "1", ""), (f"customer.receivable/{HOUSE.hex}", "", "1")], "account_2"),
    ],
)
def test_adjusting_entry_balances_between_accounts_of_pbcex(
    database: Database, people: People, lines: list[tuple[str, str, str]], field: str
) -> None:
    maker = people.staff(Role.ADMIN)
    with pytest.raises(Invalid) as refused, database.transaction() as session:
        adjusting.request_adjustment(
            session,
            maker,
            on=JUNE_30,
            asset="USD",
            lines=[AdjustingLine(*line) for line in lines],
            reason=REASON,
        )
    assert refused.value.field == field


def test_auditor_closes_nothing(database: Database, people: People) -> None:
    auditor = people.staff(Role.AUDITOR)
    assert Permission.BOOKS_CLOSE not in auditor.permissions
    with pytest.raises(PermissionDenied), database.transaction() as session:
        closing.request_closing(session, auditor, JUNE_30, reason=REASON)
