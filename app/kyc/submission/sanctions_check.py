"""Sanctions screening of what customers submit: the person, or the company with its owners.

Screening again uses the same subjects, so earlier decisions by compliance count.
"""

from collections.abc import Iterable
from uuid import UUID

from app.kit import ids
from app.kit.db import Session
from app.kyc.queries import PREFIX
from app.kyc.rules import SCREENED_STATUSES, ReviewFlag
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.applicant_details import CompanyDetails, OwnerDetails, PersonDetails
from app.screening.decisions.subjects import RescreeningSubject, register_source
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


def screening_subjects(details: PersonDetails | CompanyDetails) -> list[ScreeningSubject]:
    """Return everyone whom a submission names, a company itself first."""
    if isinstance(details, PersonDetails):
        countries = frozenset({details.address.country})
        return [
            ScreeningSubject(
                (details.name,), details.date_of_birth, countries, PartyType.INDIVIDUAL
            )
        ]
    company = ScreeningSubject(
        (details.legal_name,), None, frozenset({details.address.country}), PartyType.ENTITY
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
            for subject in screening_subjects(details)
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
        subjects.append(
            RescreeningSubject(verification_id, about, person_id, screening_subjects(details)[0])
        )
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


register_source("verifications", _verification_subjects)
register_source("beneficial_owners", _owner_subjects)


def _owner_subject(owner: OwnerDetails) -> ScreeningSubject:
    return ScreeningSubject(
        (owner.name,), owner.date_of_birth, frozenset({owner.country}), PartyType.INDIVIDUAL
    )


def _flag_for(verdicts: Iterable[Verdict]) -> ReviewFlag | None:
    distinct = set(verdicts)
    if Verdict.BLOCKED in distinct:
        return ReviewFlag.LISTED
    return ReviewFlag.SCREENING if Verdict.REVIEW in distinct else None
