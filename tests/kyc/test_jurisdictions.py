"""Where we serve customers: embargoed places are rejected, others reviewed with a case."""

from collections.abc import Callable
from datetime import date
from itertools import product
from typing import Any

import pytest
from flask import Flask

from app.access import Role
from app.cases import queries as cases_queries
from app.cases import service as cases
from app.kit import ids
from app.kit.errors import Invalid
from app.kit.list_query import ListQuery, fetch_page
from app.kit.postal_addresses import PostalAddress, normalize
from app.kyc.errors import ResidenceOpen
from app.kyc.review import residence_decisions
from app.kyc.review import service as review
from app.kyc.rules import ReasonCode, ReviewFlag, VerificationStatus
from app.kyc.submission import jurisdictions
from app.kyc.submission.applicant_details import PersonDetails, parse_person
from tests.kyc.applicant import BUSINESS, Applicant
from tests.kyc.test_review import make_company, make_owner
from tests.people import People
from tests.provider_sandbox import Sandbox

ADDRESSES = {
    "KP": {"street": "Kim Il Sung Square 1", "city": "Pyongyang"},
    "IR": {"street": "Azadi 1", "city": "Tehran", "zipCode": "11936-12345"},
    "CU": {"street": "Calle 23", "city": "La Habana"},
    "UA": {"street": "Lenina 1", "city": "Simferopol", "state": "Crimea", "zipCode": "95000"},
    "SY": {"street": "Straight Street 1", "city": "Damascus"},
    "MM": {"street": "Strand Road 1", "city": "Yangon", "zipCode": "11181"},
    "DE": {"street": "Unter den Linden 1", "city": "Berlin", "zipCode": "10117"},
}


def address(country: str) -> dict[str, Any]:
    return {**ADDRESSES[country], "country": country}


def to_postal(country: str) -> PostalAddress:
    """Return the address as it is stored."""
    zip_code = ADDRESSES[country].get("zipCode")
    lines = {name: text for name, text in ADDRESSES[country].items() if name != "zipCode"}
    return normalize(PostalAddress(country, **lines, zip_code=zip_code))


def open_cases(applicant: Applicant) -> list[Any]:
    """Return the open cases about residences that this customer submitted."""
    officer = People(applicant.database).staff(Role.COMPLIANCE)
    with applicant.database.reading() as session:
        query = ListQuery({"kind": jurisdictions.CASE_KIND, "state": "open"}, "-opened")
        rows = fetch_page(session, cases_queries.visible_cases(officer), query).rows
        return [case for case in rows if case.person_id == applicant.client.user_id]


def close_case(applicant: Applicant, disposition: str) -> None:
    officer = People(applicant.database).staff(Role.COMPLIANCE)
    [case] = open_cases(applicant)
    with applicant.database.transaction() as session:
        cases.close(session, officer, case.id, disposition=disposition, reason="Read the file")


@pytest.mark.parametrize("country", ["KP", "IR", "CU", "UA"])
def test_submission_from_an_embargoed_place_is_rejected_with_a_case(
    ada: Applicant, sandbox: Sandbox, country: str
) -> None:
    status = ada.submit_ok(address=address(country))
    ada.run_jobs(sandbox)
    assert (status["status"], ada.status["tier"]) == ("rejected", 0)
    assert [reason["code"] for reason in status["reasons"]] == ["cannot_serve"]
    assert "mbargo" not in str(status)
    [case] = open_cases(ada)
    with ada.database.reading() as session:
        place = cases_queries.facts(session, case.id)["address"]
    assert place.endswith("(UA-43)" if country == "UA" else f"({country})")


def test_residence_under_review_gives_no_tier_until_its_case_is_closed(
    ada: Applicant, people: People, sandbox: Sandbox
) -> None:
    ada.submit_ok(address=address("SY"))
    ada.run_jobs(sandbox)
    assert (ada.latest.status, ada.latest.flags, ada.tier_status.tier) == (
        VerificationStatus.IN_REVIEW,
        {ReviewFlag.RESIDENCE},
        0,
    )
    staff = people.staff(Role.COMPLIANCE)
    with pytest.raises(ResidenceOpen), ada.database.transaction() as session:
        review.approve(session, staff, ada.latest.id, reason="Looks right to me")
    close_case(ada, residence_decisions.SERVED)
    assert (ada.latest.status, ada.tier_status.tier) == (VerificationStatus.APPROVED, 2)
    assert open_cases(ada) == []


def test_residence_that_is_not_served_is_rejected(ada: Applicant, sandbox: Sandbox) -> None:
    ada.submit_ok(address=address("MM"))
    ada.run_jobs(sandbox)
    close_case(ada, residence_decisions.NOT_SERVED)
    assert (ada.latest.status, ada.latest.reasons) == (
        VerificationStatus.REJECTED,
        (ReasonCode.CANNOT_SERVE,),
    )


def test_residence_elsewhere_opens_no_case(ada: Applicant, sandbox: Sandbox) -> None:
    ada.submit_ok(address=address("DE"))
    ada.run_jobs(sandbox)
    assert (ada.tier_status.tier, open_cases(ada)) == (2, [])


@pytest.mark.parametrize(
    ("country", "flag", "status"),
    [("IR", ReviewFlag.EMBARGOED, "rejected"), ("SY", ReviewFlag.RESIDENCE, "in_review")],
)
def test_company_is_judged_by_where_its_owners_are(
    app_with_list: Flask, country: str, flag: ReviewFlag, status: str
) -> None:
    applicant = Applicant.with_confirmed_email(app_with_list)
    company = make_company(beneficialOwners=[make_owner(country=country)])
    shown = applicant.client.ok(201, applicant.client.post(BUSINESS, company))
    assert shown["business"]["status"] == status
    assert applicant.latest.flags == {flag}
    [case] = open_cases(applicant)
    assert case.subject == ids.encode("kyc", applicant.latest.id)


#: Places of each embargoed country or part: how its name and postal codes may be written.
EMBARGOED = {
    "CU": (["CU", "cu", " Cu "], [None], ["10400", "CP 10400", None]),
    "IR": (["IR", "ir"], [None, "Tehran", "Fars"], ["11936-12345", "1193612345"]),
    "KP": (["KP", "kp"], [None, "Pyongyang"], [None, "999093"]),
    "UA-43": (
        ["UA", "ua"],
        ["Crimea", "crimea", "Autonomous Republic of Crimea", "Krym", "43", None],
        ["95000", "97400", "98600", "96 000"],
    ),
    "UA-40": (["UA"], ["Sevastopol", "Sevastopol'", "40", None], ["99000", "99011"]),
    "UA-43 by Russia": (["RU"], ["Crimea", "Moscow", "Krym"], ["295000", "298600"]),
    "UA-40 by Russia": (["RU"], ["Sevastopol", "Moscow"], ["299001", "299 011"]),
}
CITIES = {
    "CU": ["La Habana", "Santiago de Cuba", "Holguín"],
    "IR": ["Tehran", "تهران", "Shiraz"],
    "KP": ["Pyongyang", "평양"],
    "UA-43": ["Simferopol", "Симферополь", "Yalta", "Kerch"],
    "UA-40": ["Sevastopol", "Севастополь"],
}


@pytest.mark.drill(name="screening")
def test_embargoed_residence_is_found_however_it_is_written(
    record_property: Callable[[str, object], None],
) -> None:
    """What is not flagged is refused as an address: neither is verified."""
    flagged, refused, passed = 0, 0, []
    for place, (countries, states, zips) in EMBARGOED.items():
        cities = CITIES[place.partition(" ")[0]]
        for country, state, zip_code, city in product(countries, states, zips, cities):
            line = {"country": country, "state": state, "zip_code": zip_code, "city": city}
            try:
                person = parse_person(
                    {
                        "first_name": "Ada",
                        "last_name": "Lovelace",
                        "date_of_birth": "1985-04-12",
                        "address": {"street": "Lenina 1", **line},
                    },
                    date(2026, 11, 29),
                )
            except Invalid:
                refused += 1
                continue
            if jurisdictions.find_flag(person) is ReviewFlag.EMBARGOED:
                flagged += 1
            else:
                passed.append(line)
    record_property(
        "evidence",
        f"Embargoed residence: {flagged} of {flagged + len(passed)} addresses are found;"
        f" {refused} more are refused as they contradict themselves or name no state.",
    )
    assert passed == []
    assert flagged > refused


@pytest.mark.parametrize(
    ("country", "zip_code", "state"),
    [("UA", "94999", "Luhansk"), ("UA", "73000", "Kherson"), ("RU", "294999", "Moscow")],
)
def test_places_beside_an_embargoed_one_are_not_taken_for_it(
    country: str, zip_code: str, state: str
) -> None:
    address = PostalAddress(country=country, state=state, zip_code=zip_code, street="", city="")
    person = PersonDetails("Ada", "Lovelace", date(1985, 4, 12), address)
    assert jurisdictions.find_flag(person) is not ReviewFlag.EMBARGOED


@pytest.mark.parametrize("country", sorted(ADDRESSES))
def test_goods_go_to_places_that_are_neither_embargoed_nor_reviewed(country: str) -> None:
    assert jurisdictions.is_served(to_postal(country)) is (country == "DE")
