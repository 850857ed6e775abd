"""Sanctions screening of who is submitted: the person, or the company with each of its owners.

Screening again asks for the same subjects, so what compliance decided meanwhile counts.
"""

from collections.abc import Iterable
from uuid import UUID

from app.kit import ids
from app.kit.db import Session
from app.kyc.queries import PREFIX
from app.kyc.rules import Flag
from app.kyc.submission import queries as submission_queries
from app.kyc.submission.applicant_details import Business, Owner, Personal
from app.screening.decisions import case_decisions
from app.screening.decisions.subjects import Subject, register
from app.screening.errors import NoSanctionsList
from app.screening.matching import service as screening
from app.screening.rules import Named, Sort, Verdict

PURPOSE = "onboarding"
#: Staged with each decision about something that was found.
DECIDED = "kyc.screening_decided"

# Whoever erases a person waits for these rows, so nobody of them is erased meanwhile.
_TO_SCREEN = """
SELECT id, user_id FROM verifications
WHERE kind <> 'enhanced'
    AND status IN ('pending', 'in_review', 'more_needed', 'approved', 'expired')
    AND kept_until IS NULL AND (%(after)s::uuid IS NULL OR id > %(after)s)
ORDER BY id LIMIT %(limit)s FOR SHARE
"""

case_decisions.tell(DECIDED)


def subjects(told: Personal | Business) -> list[Named]:
    """Everybody whom a submission names."""
    if isinstance(told, Personal):
        countries = frozenset({told.address.country})
        return [Named((told.name,), told.date_of_birth, countries, Sort.INDIVIDUAL)]
    company = Named((told.legal_name,), None, frozenset({told.address.country}), Sort.ENTITY)
    return [company, *map(_named, told.owners)]


def flag(
    session: Session, verification_id: UUID, user_id: UUID, told: Personal | Business
) -> Flag | None:
    """Screen everybody whom it names; what it is marked with for that, None where all are clear.

    What is found opens a case for compliance (app.screening). Without a list nobody is clear.
    """
    about = ids.encode(PREFIX, verification_id)
    # Owners have no account of their own here.
    person_id = user_id if isinstance(told, Personal) else None
    try:
        verdicts = [
            screening.screen(
                session, subject, about=about, purpose=PURPOSE, person_id=person_id
            ).verdict
            for subject in subjects(told)
        ]
    except NoSanctionsList:
        return Flag.UNSCREENED
    return _worst(verdicts)


def _verifications(session: Session, after: UUID | None, limit: int) -> list[Subject]:
    """Everybody who is or was verified or waits for it, and every company, by what was said."""
    found = []
    for verification_id, user_id in session.rows(_TO_SCREEN, {"after": after, "limit": limit}):
        told = submission_queries.of(session, verification_id)
        assert told is not None, "an enhanced one names nobody"
        person_id = user_id if isinstance(told, Personal) else None
        about = ids.encode(PREFIX, verification_id)
        found.append(Subject(verification_id, about, person_id, subjects(told)[0]))
    return found


def _owners(session: Session, after: UUID | None, limit: int) -> list[Subject]:
    """Everybody who owns or controls a company that is or was verified or waits for it."""
    return [
        Subject(owner_id, ids.encode(PREFIX, verification_id), None, _named(owner))
        for owner_id, verification_id, owner in submission_queries.owners_after(
            session, after, limit
        )
    ]


register("verifications", _verifications)
register("beneficial_owners", _owners)


def _named(owner: Owner) -> Named:
    return Named((owner.name,), owner.date_of_birth, frozenset({owner.country}), Sort.INDIVIDUAL)


def _worst(verdicts: Iterable[Verdict]) -> Flag | None:
    found = set(verdicts)
    if Verdict.BLOCKED in found:
        return Flag.LISTED
    return Flag.SCREENING if Verdict.REVIEW in found else None
