"""Sanctions screening of what customers submit: the person, or the company with its owners.

Screening again uses the same subjects, so earlier decisions by compliance count.
"""

from collections.abc import Iterable
from uuid import UUID

from app.identity.accounts import queries as account_queries
from app.kit import ids
from app.kit.countries import is_country
from app.kit.db import Session
from app.kyc.queries import PREFIX
from app.kyc.rules import SCREENED_STATUSES, ReviewFlag
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.applicant_details import CompanyDetails, OwnerDetails, PersonDetails
from app.screening.decisions.subjects import (
    RescreeningSubject,
    VerifiedFacts,
    register_source,
    register_verified_facts,
)
from app.screening.errors import NoSanctionsList
from app.screening.matching import service as screening
from app.screening.rules import PartyType, ScreeningSubject, Verdict

PURPOSE = "onboarding"

# Erasure of a person waits for these locks, so none of them is erased meanwhile.
_TO_SCREEN = """
SELECT id, user_id FROM verifications
WHERE kind <> 'enhanced'
    AND status = ANY (%(statuses)s)
    AND kept_until IS NULL AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(limit)s FOR SHARE
"""


def screening_subjects(
    details: PersonDetails | CompanyDetails, phone: str | None = None
) -> list[ScreeningSubject]:
    """Return everyone whom a submission names, a company itself first.

    `phone` is that of the account, which is of a person who submits their own identity.
    """
    if isinstance(details, PersonDetails):
        numbers = (details.id_number, details.address.phone, phone)
        return [
            ScreeningSubject(
                (details.name,),
                details.date_of_birth,
                party_type=PartyType.INDIVIDUAL,
                residences=_known(details.address.country),
                numbers=_given(*numbers),
            )
        ]
    numbers = (details.registration_number, details.tax_id, details.address.phone)
    company = ScreeningSubject(
        (details.legal_name,),
        countries=_known(details.address.country),
        party_type=PartyType.ENTITY,
        numbers=_given(*numbers, *(licence.number for licence in details.licences)),
    )
    return [company, *map(_owner_subject, details.owners)]


def check_sanctions(
    session: Session, verification_id: UUID, user_id: UUID, details: PersonDetails | CompanyDetails
) -> ReviewFlag | None:
    """Screen everyone whom a submission names. Return the flag to set, or None if all are clear.

    A hit opens a case for compliance (app.screening). Without a sanctions list, no one is clear.
    """
    about = ids.encode(PREFIX, verification_id)
    # A company and its owners have no account.
    person_id = user_id if isinstance(details, PersonDetails) else None
    try:
        verdicts = [
            screening.screen(
                session, subject, about=about, purpose=PURPOSE, person_id=person_id
            ).verdict
            for subject in screening_subjects(details, _find_phone(session, user_id))
        ]
    except NoSanctionsList:
        return ReviewFlag.UNSCREENED
    return _flag_for(verdicts)


def _verification_subjects(
    session: Session, after: UUID | None, limit: int
) -> list[RescreeningSubject]:
    """Return people and companies that are or were verified or wait for it."""
    subjects = []
    values = {"statuses": list(SCREENED_STATUSES), "after": after, "limit": limit}
    for verification_id, user_id in session.rows(_TO_SCREEN, values):
        details = submission_queries.details_of(session, verification_id)
        assert details is not None, "an enhanced verification has no details"
        person_id = user_id if isinstance(details, PersonDetails) else None
        about = ids.encode(PREFIX, verification_id)
        subject, *_owners = screening_subjects(details, _find_phone(session, user_id))
        subjects.append(RescreeningSubject(verification_id, about, person_id, subject))
    return subjects


def _owner_subjects(session: Session, after: UUID | None, limit: int) -> list[RescreeningSubject]:
    """Return the owners of companies that are or were verified or wait for it."""
    return [
        RescreeningSubject(
            owner_id, ids.encode(PREFIX, verification_id), None, _owner_subject(owner)
        )
        for owner_id, verification_id, owner in submission_queries.owners_after(
            session, after, limit
        )
    ]


def _verified_facts(session: Session, person_id: UUID) -> VerifiedFacts:
    customer = submission_queries.get_customer(session, person_id)
    residences = _known(customer.country) if customer.country else frozenset[str]()
    return VerifiedFacts(
        customer.birth_date,
        residences,
        _given(customer.phone),
        may_move_money=customer.tier_status.daily_limit.units > 0,
    )


register_verified_facts(_verified_facts)
register_source("verifications", _verification_subjects)
register_source("beneficial_owners", _owner_subjects)


def _owner_subject(owner: OwnerDetails) -> ScreeningSubject:
    return ScreeningSubject(
        (owner.name,),
        owner.date_of_birth,
        party_type=PartyType.INDIVIDUAL,
        residences=_known(owner.country),
    )


def _find_phone(session: Session, user_id: UUID) -> str | None:
    return account_queries.get_person(session, user_id).phone


def _given(*numbers: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(number for number in numbers if number))


def _known(country: str) -> frozenset[str]:
    """Return the country unless older records name one that is none: it says nothing against."""
    return frozenset({country} if is_country(country) else ())


def _flag_for(verdicts: Iterable[Verdict]) -> ReviewFlag | None:
    distinct = set(verdicts)
    if Verdict.BLOCKED in distinct:
        return ReviewFlag.LISTED
    return ReviewFlag.SCREENING if Verdict.REVIEW in distinct else None
