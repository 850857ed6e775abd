"""One person with several accounts is found and shares one limit, and staff get a case."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.access import Role
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.cases.models import Case
from app.kit import ids
from app.kyc import queries as kyc_queries
from app.kyc.models import Verification
from app.kyc.rules import VerificationStatus
from app.kyc.submission import same_person
from tests.kyc.applicant import ADDRESS, Applicant
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows, read_values

Apply = Callable[..., Applicant]


@pytest.fixture
def apply(app_with_list: Flask, sandbox: Sandbox) -> Apply:
    """Return a function that verifies a new customer with these details."""

    def verify(**changes: Any) -> Applicant:
        return Applicant.with_tier_2(app_with_list, sandbox, **changes)

    return verify


def accounts(applicant: Applicant) -> set[UUID]:
    with applicant.database.reading() as session:
        return set(kyc_queries.accounts_of_person(session, applicant.actor.user_id))


def cases_of(applicant: Applicant) -> dict[str, UUID]:
    """Return the ids of the cases about the customer, by kind."""
    with applicant.database.reading() as session:
        is_theirs = Case.person_id == applicant.actor.user_id
        kinds = read_values(session, Case.kind, is_theirs)
        return dict(zip(kinds, read_values(session, Case.id, is_theirs), strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"firstName": "Łukasz Jan", "lastName": "Müller-Żółć"},
        {"firstName": "LUKASZ", "lastName": "Zolc Mueller"},
    ],
    ids=["same spelling", "middle name", "transliterated"],
)
def test_accounts_with_one_name_and_birth_date_are_one_person(
    apply: Apply, changes: dict[str, str]
) -> None:
    details = {"firstName": "Łukasz", "lastName": "Müller-Żółć"}
    first = apply(**details)
    details["dateOfBirth"] = first.payload()["dateOfBirth"]
    second = apply(**{**details, **changes})
    both = {first.actor.user_id, second.actor.user_id}
    assert accounts(first) == accounts(second) == both
    assert same_person.SAME_PERSON not in cases_of(first)
    with second.database.reading() as session:
        facts = cases_queries.facts(session, cases_of(second)[same_person.SAME_PERSON])
    assert facts == {
        "account": ids.encode("usr", second.actor.user_id),
        "other accounts": ids.encode("usr", first.actor.user_id),
    }


@pytest.mark.parametrize(
    "changes",
    [{"firstName": "Augusta"}, {"lastName": "Byron"}, {"dateOfBirth": "1955-01-01"}],
    ids=str,
)
def test_people_who_differ_in_name_or_birth_date_share_no_limits(
    apply: Apply, changes: dict[str, str]
) -> None:
    first = apply()
    other = apply(**{"dateOfBirth": first.payload()["dateOfBirth"], **changes})
    assert accounts(other) == {other.actor.user_id}
    assert same_person.SAME_PERSON not in cases_of(other)


def test_accounts_linked_through_another_one_are_one_person(apply: Apply) -> None:
    """By the ID number of the one, and by the later name of the other."""
    first, between, last = apply(), apply(), apply(lastName="King")
    number = ids.new().bytes * 2
    with first.database.transaction() as session:
        for applicant in (first, between):
            is_theirs = Verification.user_id == applicant.actor.user_id
            change_rows(session, Verification, is_theirs, id_number_index=number)
        [index] = read_values(
            session, Verification.person_index, Verification.user_id == last.actor.user_id
        )
        is_between = Verification.user_id == between.actor.user_id
        change_rows(session, Verification, is_between, person_index=index)
    everyone = {each.actor.user_id for each in (first, between, last)}
    assert accounts(first) == accounts(between) == accounts(last) == everyone
    # As if it had never been verified.
    with first.database.transaction() as session:
        change_rows(
            session, Verification, is_between, status=VerificationStatus.SUPERSEDED, expires_at=None
        )
    assert accounts(first) == {first.actor.user_id, between.actor.user_id}
    assert accounts(last) == {last.actor.user_id}


@pytest.mark.parametrize("status", ["rejected", "superseded", "expired"])
def test_account_whose_verification_has_ended_is_still_the_persons(
    apply: Apply, status: str
) -> None:
    """Otherwise its debts and limits would end with it."""
    first = apply()
    second = apply(dateOfBirth=first.payload()["dateOfBirth"])
    revoked = {"tier": 0, "reasons": ["cannot_serve"]} if status == "rejected" else {}
    with first.database.transaction() as session:
        is_first = Verification.user_id == first.actor.user_id
        change_rows(session, Verification, is_first, status=status, **revoked)
    assert accounts(first) == accounts(second) == {first.actor.user_id, second.actor.user_id}


def test_unverified_details_use_up_no_limits_of_others(apply: Apply, app_with_list: Flask) -> None:
    victim = apply()
    thief = Applicant.with_confirmed_email(app_with_list)
    thief.submit_ok(dateOfBirth=victim.payload()["dateOfBirth"])
    assert accounts(victim) == {victim.actor.user_id}
    assert same_person.SAME_PERSON in cases_of(thief)
    # Otherwise each further account of the thief would have limits of its own.
    second = Applicant.with_confirmed_email(app_with_list)
    second.submit_ok(dateOfBirth=victim.payload()["dateOfBirth"])
    everyone = {each.actor.user_id for each in (victim, thief, second)}
    assert accounts(thief) == accounts(second) == everyone


def test_accounts_at_one_address_are_a_case_and_share_no_limits(apply: Apply) -> None:
    street = f"{ids.new().hex} Elm Street"
    first = apply(address={**ADDRESS, "street": street})
    second = apply(address={**ADDRESS, "street": f" {street.upper()}."})
    assert set(cases_of(second)) == {same_person.SAME_ADDRESS}
    assert accounts(second) == {second.actor.user_id}
    assert cases_of(first) == {}


def test_decision_separates_two_people_until_the_case_is_reopened(
    apply: Apply, app_with_list: Flask
) -> None:
    first = apply()
    second = apply(dateOfBirth=first.payload()["dateOfBirth"])
    case_id = cases_of(second)[same_person.SAME_PERSON]
    staff = People(second.database).staff(Role.COMPLIANCE)
    with second.database.transaction() as session:
        cases.close(
            session, staff, case_id, disposition=same_person.TWO_PEOPLE, reason="Two passports"
        )
    assert accounts(first) == {first.actor.user_id}
    with second.database.transaction() as session:
        cases.reopen(session, staff, case_id, reason="One of them was forged")
    assert accounts(first) == {first.actor.user_id, second.actor.user_id}
