"""Personal data of cases."""

from uuid import UUID

from app.cases import queries
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    PersonalData,
    PersonalDataTable,
)

_EVIDENCE = f"Findings, and what PBCEx did about them, are evidence. {RETAINED_BY_LAW}"
_NOT_EXPORTED = (
    "Internal notes of investigations. People are notified of decisions; the law forbids disclosing"
    " a suspicion (31 USC 5318(g)(2))."
)


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    # Does not mention the case: a person under investigation must not be warned.
    blocker = ErasureBlocker(
        "account", "The account cannot be closed now. Ask support when it can."
    )
    return [blocker] if queries.has_open_case(session, person_id) else []


PERSONAL_DATA = PersonalData(
    "cases",
    {
        "cases": PersonalDataTable(
            "Findings about a person, by id; the facts are sealed",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported=_NOT_EXPORTED,
        ),
        "case_events": PersonalDataTable(
            "Notes of staff, sealed, and who acted on a case",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported=_NOT_EXPORTED,
        ),
    },
    erasure_blockers=_erasure_blockers,
)
