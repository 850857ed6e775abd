"""Sanctions screening of who is submitted: the person, or the company with each of its owners.

Screening again asks for the same subjects, so what compliance decided meanwhile counts.
"""

from collections.abc import Iterable
from uuid import UUID

from app.kit import ids
from app.kit.db import Session
from app.kyc.queries import PREFIX
from app.kyc.rules import Flag
from app.kyc.submission import Business, Personal
from app.screening import decisions
from app.screening import service as screening
from app.screening.errors import NoSanctionsList
from app.screening.rules import Named, Sort, Verdict

PURPOSE = "onboarding"
#: Staged with each decision about something that was found.
DECIDED = "kyc.screening_decided"

decisions.tell(DECIDED)


def subjects(told: Personal | Business) -> list[Named]:
    """Everybody whom a submission names."""
    if isinstance(told, Personal):
        countries = frozenset({told.address.country})
        return [Named((told.name,), told.date_of_birth, countries, Sort.INDIVIDUAL)]
    company = Named((told.legal_name,), None, frozenset({told.address.country}), Sort.ENTITY)
    owners = [
        Named((each.name,), each.date_of_birth, frozenset({each.country}), Sort.INDIVIDUAL)
        for each in told.owners
    ]
    return [company, *owners]


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


def _worst(verdicts: Iterable[Verdict]) -> Flag | None:
    found = set(verdicts)
    if Verdict.BLOCKED in found:
        return Flag.LISTED
    return Flag.SCREENING if Verdict.REVIEW in found else None
