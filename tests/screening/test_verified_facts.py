"""One answer for one person in every room: account, verification and payout."""

from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from app.funding.withdrawals import payee_checks
from app.identity.models import User
from app.kit.db import Database
from app.kit.postal_addresses import PostalAddress
from app.kyc.rules import IdType
from app.kyc.submission.applicant_details import CompanyDetails, LicenceDetails, PersonDetails
from app.kyc.submission.queries import get_customer
from app.kyc.submission.sanctions_check import screening_subjects
from app.screening import queries as screening_queries
from app.screening.decisions import rescreening, subjects
from app.screening.matching import service as screening
from app.screening.matching.service import ScreeningResult
from app.screening.rules import Agreement, PartyType, ScreeningSubject, Verdict
from tests import sanctions
from tests.kyc.applicant import Applicant
from tests.people import People
from tests.rows import change_rows

BORN = date(1985, 4, 12)
ADDRESS = PostalAddress(country="US", street="1600 Amphitheatre Pkwy", city="Mountain View")


def test_account_and_payee_are_screened_with_the_verified_birth_date(
    app: Flask, listed: Database
) -> None:
    applicant = Applicant.with_confirmed_email(app)
    person_id = applicant.client.user_id

    def subject() -> ScreeningSubject:
        with listed.reading() as session:
            return subjects.person_subject(session, person_id, "Ada Lovelace")

    assert (subject().birth_date, subject().residences) == (None, frozenset())
    applicant.submit_ok(dateOfBirth=BORN.isoformat())
    known = subject()
    assert (known.names, known.birth_date) == (("Ada Lovelace",), BORN)
    assert (known.residences, known.countries) == (frozenset({"US"}), frozenset())
    with listed.transaction() as session:
        accounts = subjects.source_named("accounts")(session, None, 100_000)
    [account] = [account for account in accounts if account.person_id == person_id]
    assert account.subject.birth_date == BORN


def test_verification_is_screened_by_residence_and_numbers() -> None:
    person = PersonDetails("Ada", "Lovelace", BORN, ADDRESS, IdType.PASSPORT, "A0901234")
    assert screening_subjects(person, "+12025550123") == [
        ScreeningSubject(
            ("Ada Lovelace",),
            BORN,
            party_type=PartyType.INDIVIDUAL,
            residences=frozenset({"US"}),
            numbers=("A0901234", "+12025550123"),
        )
    ]
    licence = LicenceDetails("bank", "L-778899", "the State")
    company = CompanyDetails(
        "Shadow Ltd", "R-123456", "limited", ADDRESS, tax_id="T-654321", licences=(licence,)
    )
    [subject] = screening_subjects(company)
    assert subject.numbers == ("R-123456", "T-654321", "L-778899")
    assert subject.countries == frozenset({"US"})


def screen_again(database: Database, person_id: UUID) -> ScreeningResult:
    """Screen an account as after the import of a list."""
    with database.transaction() as session:
        [account] = [
            account
            for account in subjects.source_named("accounts")(session, None, 100_000)
            if account.person_id == person_id
        ]
        return screening.screen(
            session,
            account.subject,
            about=account.about,
            purpose=rescreening.PURPOSE,
            person_id=person_id,
            is_incomplete=account.is_incomplete,
        )


def verdict_of(database: Database, person_id: UUID) -> Verdict | None:
    with database.reading() as session:
        return screening_queries.verdict_of(session, person_id)


@pytest.mark.parametrize(
    ("born", "verdict"), [("1960-06-14", Verdict.REVIEW), ("1991-02-03", Verdict.CLEAR)]
)
def test_hit_by_name_alone_waits_for_the_birth_date_of_a_verification(
    app: Flask, listed: Database, born: str, verdict: Verdict
) -> None:
    # Listed are this name and 14 June 1960.
    applicant = Applicant.with_confirmed_email(app)
    person_id = applicant.client.user_id
    with listed.transaction() as session:
        named = {"first_name": "Dragan", "last_name": "Esperpento"}
        change_rows(session, User, User.id == person_id, **named)
    screened = screen_again(listed, person_id)
    assert (screened.verdict, screened.case_id) == (Verdict.INCOMPLETE, None)
    assert [hit.entry_number for hit in screened.hits] == [1]
    # Nothing passes meanwhile, and nothing can be moved.
    assert verdict_of(listed, person_id) is Verdict.INCOMPLETE
    assert applicant.tier_status.daily_limit.units == 0
    applicant.submit_ok(firstName="Dragan", lastName="Esperpento", dateOfBirth=born)
    assert verdict_of(listed, person_id) is verdict
    assert (screen_again(listed, person_id).case_id is None) is (verdict is Verdict.CLEAR)


def test_hit_by_name_alone_of_one_who_may_move_money_opens_a_case(
    listed: Database, people: People
) -> None:
    person_id = people.customer().user_id
    with listed.transaction() as session:
        subject = subjects.person_subject(session, person_id, sanctions.LISTED_NAME)
        result = screening.screen(
            session, subject, about="wdr_1", purpose="payout", person_id=person_id
        )
    assert result.verdict is Verdict.REVIEW
    # And one that is open stays open when only the name is screened again.
    with listed.transaction() as session:
        again = screening.screen(
            session,
            subject,
            about="usr_1",
            purpose=rescreening.PURPOSE,
            person_id=person_id,
            is_incomplete=True,
        )
    assert (again.verdict, again.case_id) == (Verdict.REVIEW, result.case_id)


def test_listed_phone_number_is_found_whoever_gives_it(
    app: Flask, listed: Database, tmp_path: Path
) -> None:
    phone = "+37360123456"
    parties = [(9, "PHANTASMOS, Melchior", "individual", "Phone Number 373 60 123456.")]
    sanctions.import_folder(listed, sanctions.write_files(tmp_path, parties))
    applicant = Applicant.with_confirmed_email(app)
    person_id = applicant.client.user_id
    with listed.transaction() as session:
        change_rows(session, User, User.id == person_id, phone=phone)
    # By the account alone: a number is more than a name, and opens a case.
    screened = screen_again(listed, person_id)
    assert [(hit.entry_number, hit.number) for hit in screened.hits] == [(9, Agreement.EQUAL)]
    assert (screened.verdict, screened.case_id is None) == (Verdict.REVIEW, False)
    applicant.submit_ok()
    with listed.reading() as session:
        customer = get_customer(session, person_id)
        assert [flag.value for flag in applicant.latest.flags] == ["screening"]
    assert payee_checks._payee(customer, "Ada Lovelace").numbers == (phone,)


def test_country_of_an_old_record_that_is_none_says_nothing() -> None:
    address = PostalAddress(country="UK", street="1 High Street", city="York")
    [subject] = screening_subjects(PersonDetails("Ada", "Lovelace", BORN, address))
    assert subject.residences == frozenset()
