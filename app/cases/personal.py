"""What cases hold on a person."""

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

_EVIDENCE = f"What was found and what the house did about it is evidence. {RETAINED_BY_LAW}"
_NOT_EXPORTED = (
    "What staff look into and write about it is theirs; people are told what was decided, and of a"
    " suspicion nobody may be told (31 USC 5318(g)(2))."
)


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    # Not what it is: whoever is looked into is not warned.
    told = ErasureBlocker("account", "The account cannot be closed now. Ask support when it can.")
    return [told] if queries.has_open_case(session, person_id) else []


PERSONAL_DATA = PersonalData(
    "cases",
    {
        "cases": PersonalDataTable(
            "What was found about somebody, by id; what it says is sealed",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported=_NOT_EXPORTED,
        ),
        "case_events": PersonalDataTable(
            "Notes of staff, sealed, and who did what to a case",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported=_NOT_EXPORTED,
        ),
    },
    erasure_blockers=_erasure_blockers,
)
