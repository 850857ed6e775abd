"""An issued period never changes: what is booked late stands in the next one with its own time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.catalog.rules import FUNDING, USD, Wallet
from app.kit import ids
from app.kit.clock import rfc3339
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.reporting import statement_csv, statement_pdf
from app.reporting.statements import AccountStatement, AssetStatement, Period, build_statement
from tests.api_client import ApiClient
from tests.people import People

MAY, JUNE, JULY = (datetime(2021, month, 1, tzinfo=UTC) for month in (5, 6, 7))
DAY = timedelta(days=1)


def post(session: Session, owner: UUID, at: datetime, units: int) -> None:
    """Credit cents to the customer at a time, or debit them."""
    ledger.post(
        session,
        cause="test",
        reference=f"statement:{uuid4()}",
        posted_at=at,
        postings=[
            ledger.credit(chart.customer(owner, USD), Amount(USD, units)),
            ledger.debit(chart.capital(USD), Amount(USD, units)),
        ],
    )


def issue(database: Database, owner: UUID, start: datetime, end: datetime) -> AccountStatement:
    with database.transaction() as session:
        ledger.close_accounts(session, owner, FUNDING, ends_at=end)
    with database.transaction(SNAPSHOT) as session:
        return build_statement(session, owner, Wallet.FUNDING, Period(start, end))


def dollars(statement: AccountStatement) -> AssetStatement:
    return next(part for part in statement.asset_statements if part.asset == USD)


def test_late_movements_stand_in_the_next_period_and_the_issued_one_keeps_its_bytes(
    database: Database, people: People
) -> None:
    owner, hold_id = people.customer().user_id, ids.new()
    with database.transaction() as session:
        post(session, owner, MAY + DAY, 50_000)
    may = issue(database, owner, MAY, JUNE)
    assert str(dollars(may).closing) == "500.00"
    with database.transaction() as session:
        post(session, owner, MAY + 2 * DAY, -10_000)
        ledger.place_hold(
            session, hold_id=hold_id, account=chart.customer(owner, USD), cause="test",
            amount=Amount(USD, 700), placed_at=MAY + 2 * DAY,
        )  # fmt: skip
        ledger.post(
            session, cause="test", reference=uuid4().hex, posted_at=MAY + 3 * DAY,
            postings=[
                ledger.debit(chart.receivable(owner, USD), Amount(USD, 90_000)),
                ledger.credit(chart.capital(USD), Amount(USD, 90_000)),
            ],
        )  # fmt: skip
    again = issue(database, owner, MAY, JUNE)
    assert again == may
    assert statement_csv.render_csv(again) == statement_csv.render_csv(may)
    assert statement_pdf.render_pdf(again) == statement_pdf.render_pdf(may)
    june = dollars(issue(database, owner, JUNE, JULY))
    assert june.opening == dollars(may).closing
    late = [(line.movement.posted_at, str(line.movement.amount)) for line in june.lines]
    assert late == [(MAY + 2 * DAY, "-100.00"), (MAY + 3 * DAY, "-393.00")]
    assert all(line.description.endswith("booked late)") for line in june.lines)
    assert (str(june.closing), str(june.held), str(june.owed)) == ("7.00", "7.00", "507.00")


_days = st.integers(0, 12)
_posted = st.tuples(st.just("post"), _days, st.integers(1, 500))
_issued = st.tuples(st.just("issue"), _days, _days)


@given(steps=st.lists(_posted | _issued, min_size=3, max_size=10))
@settings(max_examples=25)
def test_issued_periods_never_change_and_adjoin(
    app: Flask, steps: list[tuple[str, int, int]]
) -> None:
    database: Database = app.extensions["database"]
    owner, issued = People(database).customer().user_id, []
    for verb, first, second in steps:
        if verb == "post":
            with database.transaction() as session:
                post(session, owner, MAY + first * DAY, second)
            continue
        start, end = sorted((first, second))
        issued.append(issue(database, owner, MAY + start * DAY, MAY + end * DAY))
    whole = dollars(issue(database, owner, MAY, JULY))
    assert whole.opening + whole.credits == whole.closing
    for statement in issued:
        start, end = statement.period.start, statement.period.end
        assert issue(database, owner, start, end) == statement
        assert dollars(issue(database, owner, end, JULY)).opening == dollars(statement).closing
        assert dollars(issue(database, owner, MAY, start)).closing == dollars(statement).opening


def test_period_waits_for_the_entry_that_is_being_posted(
    database: Database, people: People
) -> None:
    owner = people.customer(USD="1.00").user_id
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            post(session, owner, MAY + DAY, 50_000)
            session.flush()
            waiting = pool.submit(issue, database, owner, MAY, JUNE)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        statement = waiting.result(timeout=10)
    assert str(dollars(statement).closing) == "500.00"


def test_statement_that_was_shown_is_issued(open_app: Flask) -> None:
    customer, database = ApiClient.create_customer(open_app), open_app.extensions["database"]
    assert customer.user_id is not None

    def show(start: datetime, end: datetime) -> TestResponse:
        query = {"account": "funding", "from": rfc3339(start), "to": rfc3339(end)}
        return customer.get("/api/wallet/statements", **query)

    with database.transaction() as session:
        post(session, customer.user_id, MAY + DAY, 50_000)
    shown = show(MAY, JUNE)
    assert [sheet["closing"] for sheet in shown.json["assets"]][:1] == ["500.00"]
    with database.transaction() as session:
        post(session, customer.user_id, MAY + DAY, -10_000)
    assert show(MAY, JUNE).data == shown.data
    [june, *_] = show(JUNE, JULY).json["assets"]
    assert (june["opening"], june["closing"]) == ("500.00", "400.00")
    assert [line["late"] for line in june["movements"]] == [True]
