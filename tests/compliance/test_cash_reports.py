"""Cash reports: which cash makes one due, what it contains, and how it ends."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import time_machine

from app.access import Actor, Permission, Role
from app.branches.entities.rules import CashReportRegime
from app.catalog.rules import CashInstrument
from app.compliance.cash_reports import patterns, queries, service, viewing
from app.compliance.cash_reports.errors import (
    CashDayNotOver,
    CashIdentityRequired,
    CashReportEnded,
    CashReportIncomplete,
)
from app.compliance.cash_reports.rules import (
    CashDirection,
    CashReportStatus,
    business_day,
)
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from tests.compliance.cash_at_counters import Counters
from tests.paying_customer import make_one_person
from tests.people import People
from tests.second_person import approve
from tests.unchanged_database import database_unchanged

#: A Friday in New York.
FRIDAY = datetime(2026, 6, 5, 16, tzinfo=UTC)


@pytest.fixture
def counters(people: People) -> Counters:
    return Counters.of_new_company(people, branches_count=2)


@pytest.fixture
def dealer(people: People) -> Counters:
    """A company that files Form 8300."""
    return Counters.of_new_company(people, CashReportRegime.FORM_8300)


@pytest.mark.parametrize(
    ("amounts", "reported"),
    [
        (["9999.99"], []),
        (["10000.00"], []),
        (["10000.01"], ["10000.01"]),
        (["9999.99", "0.01"], []),
        (["9999.99", "0.02"], ["10000.01"]),
        (["9000.00", "2000.00", "500.00"], ["11500.00"]),
    ],
)
def test_more_than_ten_thousand_dollars_in_a_day_is_one_report(
    counters: Counters, amounts: list[str], reported: list[str]
) -> None:
    ada = counters.customer()
    for number, amount in enumerate(amounts):
        counters.bring(ada, amount, number % 2)
    assert counters.totals(ada) == reported


def test_cash_in_and_out_is_never_netted(counters: Counters) -> None:
    ada = counters.customer()
    for direction in CashDirection:
        counters.bring(ada, "8000.00", direction=direction)
    assert counters.totals(ada) == []
    for direction in CashDirection:
        counters.bring(ada, "2000.01", direction=direction)
    assert [(r.direction, str(r.total)) for r in counters.reports(ada)] == [
        (CashDirection.IN, "10000.01"),
        (CashDirection.OUT, "10000.01"),
    ]


def test_two_payers_for_one_beneficiary_are_one_report_that_names_all(counters: Counters) -> None:
    ada, bob, cleo = (counters.customer() for _ in range(3))
    for payer in (bob, cleo):
        counters.bring(ada, "6000.00", conductor_id=payer)
    [report] = counters.reports(ada)
    assert (str(report.total), counters.reports(bob), counters.reports(cleo)) == (
        "12000.00",
        [],
        [],
    )
    with counters.database.reading() as session:
        named = {each.person_id for each in queries.list_people(session, report.id)}
    assert named == {ada, bob, cleo}


def test_payer_for_two_beneficiaries_is_reported(counters: Counters) -> None:
    ada, bob, cleo = (counters.customer() for _ in range(3))
    for beneficiary in (bob, cleo):
        counters.bring(beneficiary, "6000.00", conductor_id=ada)
    assert [counters.totals(person) for person in (ada, bob, cleo)] == [["12000.00"], [], []]


def test_payer_and_beneficiary_of_the_same_cash_share_a_report(counters: Counters) -> None:
    ada, bob = counters.customer(), counters.customer()
    counters.bring(ada, "12000.00", conductor_id=bob)
    assert (counters.totals(ada), counters.totals(bob)) == (["12000.00"], [])
    counters.bring(bob, "500.00")
    assert (counters.totals(ada), counters.totals(bob)) == (["12000.00"], ["12500.00"])


def test_accounts_of_one_person_are_added_up(counters: Counters) -> None:
    first, second = counters.customer(), counters.customer()
    make_one_person(counters.database, first, second)
    counters.bring(first, "6000.00")
    counters.bring(second, "6000.00")
    assert sorted(counters.totals(first) + counters.totals(second)) == ["12000.00"]


def test_companies_report_apart_and_cheques_are_not_currency(
    counters: Counters, people: People
) -> None:
    ada, other = counters.customer(), Counters.of_new_company(people)
    counters.bring(ada, "9000.00")
    other.bring(ada, "9000.00")
    counters.bring(ada, "9000.00", instrument=CashInstrument.CASHIERS_CHEQUE)
    assert counters.totals(ada) == []


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 6, 5, 3, tzinfo=UTC), date(2026, 6, 4)),
        (datetime(2026, 6, 6, 3, tzinfo=UTC), date(2026, 6, 5)),
        (datetime(2026, 6, 6, 16, tzinfo=UTC), date(2026, 6, 8)),
        (datetime(2026, 6, 7, 16, tzinfo=UTC), date(2026, 6, 8)),
        (datetime(2026, 6, 19, 16, tzinfo=UTC), date(2026, 6, 22)),
        (datetime(2026, 11, 26, 16, tzinfo=UTC), date(2026, 11, 27)),
        (datetime(2027, 7, 4, 16, tzinfo=UTC), date(2027, 7, 6)),
    ],
)
def test_weekend_and_holiday_count_as_the_next_banking_day(at: datetime, day: date) -> None:
    assert business_day(at, "America/New_York") == day


def test_saturday_and_monday_are_one_business_day_and_friday_another(counters: Counters) -> None:
    ada = counters.customer()
    with time_machine.travel(FRIDAY, tick=False) as clock:
        counters.bring(ada, "6000.00")
        clock.shift(timedelta(days=1))
        counters.bring(ada, "6000.00")
        assert counters.totals(ada) == []
        clock.shift(timedelta(days=2))
        counters.bring(ada, "6000.00")
    [report] = counters.reports(ada)
    monday = date(2026, 6, 8)
    assert (str(report.total), report.business_day) == ("12000.00", monday)
    assert report.due_on == monday + timedelta(days=15)


def test_form_8300_adds_up_24_hours_and_what_pays_for_one_purchase(dealer: Counters) -> None:
    ada, bob = dealer.customer(), dealer.customer()
    with time_machine.travel(FRIDAY, tick=False) as clock:
        dealer.bring(ada, "6000.00")
        dealer.bring(bob, "6000.00", relates_to="order 7")
        clock.shift(timedelta(hours=24))
        dealer.bring(ada, "6000.00")
        assert dealer.totals(ada) == []
        clock.shift(timedelta(hours=23, minutes=59))
        dealer.bring(ada, "4000.01")
        assert dealer.totals(ada) == ["10000.01"]
        clock.shift(timedelta(days=300))
        dealer.bring(bob, "6000.00", relates_to="order 8")
        assert dealer.totals(bob) == []
        clock.shift(timedelta(hours=25))
        dealer.bring(bob, "4000.01", relates_to="order 7")
        assert dealer.totals(bob) == ["10000.01"]
        clock.shift(timedelta(days=400))
        dealer.bring(bob, "9000.00", relates_to="order 7")
    assert dealer.totals(bob) == ["10000.01"]


def test_form_8300_counts_small_cheques_and_only_what_is_received(dealer: Counters) -> None:
    ada, bob, cleo = (dealer.customer() for _ in range(3))
    dealer.bring(ada, "12000.00", direction=CashDirection.OUT)
    dealer.bring(bob, "10000.01", instrument=CashInstrument.CASHIERS_CHEQUE)
    assert (dealer.totals(ada), dealer.totals(bob)) == ([], [])
    dealer.bring(cleo, "10000.00", instrument=CashInstrument.MONEY_ORDER)
    dealer.bring(cleo, "0.01")
    assert dealer.totals(cleo) == ["10000.01"]


def test_counter_learns_before_the_cash_that_a_report_will_be_due(counters: Counters) -> None:
    ada = counters.customer()
    counters.bring(ada, "9000.00")
    with database_unchanged(counters.database), counters.database.reading() as session:
        assert not service.is_report_due(session, counters.cash(ada, "1000.00"))
        assert service.is_report_due(session, counters.cash(ada, "1000.01"))


def test_reported_cash_needs_a_verified_identity(counters: Counters, people: People) -> None:
    ada, stranger = counters.customer(), people.customer().user_id
    counters.bring(stranger, "10000.00")
    brought = counters.cash(ada, "10000.01", conductor_id=stranger)
    with database_unchanged(counters.database), pytest.raises(CashIdentityRequired):
        counters.record(brought)


def test_days_below_the_threshold_open_a_case_that_tellers_and_auditors_do_not_see(
    counters: Counters, people: People
) -> None:
    ada, bob = counters.customer(), counters.customer()
    with time_machine.travel(FRIDAY, tick=False) as clock:
        for _ in range(4):
            counters.bring(ada, "5000.00", branch=1)
            counters.bring(bob, "2999.99")
            clock.shift(timedelta(days=7))
        assert not open_cases(counters.database, ada)
        for amount in ("9500.00", "3000.00"):
            counters.bring(ada, amount)
            clock.shift(timedelta(days=3))
    [case] = open_cases(counters.database, ada)
    assert (case, counters.totals(ada), open_cases(counters.database, bob)) == (
        patterns.CASE_KIND, [], []
    )  # fmt: skip
    holders = {
        role: Permission.CASH_REPORTS_FILE in people.staff(role).permissions
        for role in (Role.TELLER, Role.SUPPORT, Role.AUDITOR, Role.ADMIN, Role.COMPLIANCE)
    }
    assert {role for role, sees in holders.items() if sees} == {Role.ADMIN, Role.COMPLIANCE}


def open_cases(database: Database, person_id: UUID) -> list[str]:
    with database.reading() as session:
        return [
            kind
            for (kind,) in session.rows(
                "SELECT kind FROM cases WHERE person_id = %s AND state = 'open'", (person_id,)
            )
        ]


def test_report_is_filed_once_its_day_is_over_and_its_form_complete(
    counters: Counters, people: People, database: Database
) -> None:
    ada, officer = counters.customer(), people.staff(Role.COMPLIANCE)
    with time_machine.travel(FRIDAY, tick=False) as clock:
        counters.bring(ada, "10000.01")
        [report] = counters.reports(ada)
        with pytest.raises(CashDayNotOver):
            file(database, officer, report.id)
        clock.shift(timedelta(days=2))
        with pytest.raises(CashReportIncomplete, match="Occupation"):
            file(database, officer, report.id)
        with database.transaction() as session:
            service.record_occupation(session, officer, report.id, ada, "Mathematician")
        with pytest.raises(PermissionDenied):
            file(database, people.staff(Role.AUDITOR), report.id)
        with pytest.raises(Invalid, match="2 to 40"):
            file(database, officer, report.id, reference="-")
        file(database, officer, report.id)
        for _ in range(2):
            with pytest.raises(CashReportEnded):
                file(database, officer, report.id)
    [filed] = counters.reports(ada)
    assert (filed.status, filed.filing_reference) == (CashReportStatus.FILED, "31000123456789")
    with database.transaction() as session:
        sections = viewing.view_fields(session, officer, filed)
    person = sections[0].fields
    assert (person["Last name"], person["Identification number"], person["Date of birth"]) == (
        "Lovelace", "X1234567", "10 Dec 1990"
    )  # fmt: skip
    assert person["Occupation or type of business"] == "Mathematician"
    assert not any(section.missing for section in sections)


def file(
    database: Database, actor: Actor, report_id: UUID, reference: str = "31000123456789"
) -> None:
    with database.transaction() as session:
        service.file_report(session, actor, report_id, reference=reference)


def test_two_people_withdraw_a_report_and_new_cash_makes_another_one_due(
    counters: Counters, people: People, database: Database
) -> None:
    ada = counters.customer()
    maker, checker = people.staff(Role.COMPLIANCE), people.staff(Role.COMPLIANCE)
    counters.bring(ada, "10000.01")
    [report] = counters.reports(ada)
    with database.transaction() as session:
        approval_id = service.request_withdrawal(
            session, maker, report.id, reason="Counted twice at the counter"
        )
    approve(database, checker, approval_id)
    assert [each.status for each in counters.reports(ada)] == [CashReportStatus.WITHDRAWN]
    counters.bring(ada, "1.00")
    assert counters.totals(ada) == ["10000.01", "10001.01"]
