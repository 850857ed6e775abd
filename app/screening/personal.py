"""What screening holds on a person."""

from uuid import UUID

from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)

_SCREENINGS = """
SELECT id, purpose, list_version, screened_at FROM screenings WHERE person_id = %s ORDER BY id
"""
_EVIDENCE = f"Evidence that nobody was served who may not be. {RETAINED_BY_LAW}"


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    rows = session.rows(_SCREENINGS, (person_id,))
    return {"screenings": export_records(rows, "id purpose listVersion screenedAt", id="scr")}


PERSONAL_DATA = PersonalData(
    "screening",
    {
        "screenings": PersonalDataTable(
            "That somebody was checked against the sanctions list, when and what for; as whom, by"
            " names, birth date and countries, is sealed",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            export_sections=("screenings",),
        ),
        "screening_hits": PersonalDataTable(
            "Which listed names theirs was like",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported="What staff look into is theirs, and of a suspicion nobody may be told"
            " (31 USC 5318(g)(2)).",
        ),
        "screening_decisions": PersonalDataTable(
            "Whether it was decided that somebody is a listed party, by id",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported="People are told what follows from it: an account that is blocked.",
        ),
    },
    export_sections=_export_sections,
)
