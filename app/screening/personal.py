"""Personal data of screening."""

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
_EVIDENCE = f"Evidence that we screen everyone whom we serve. {RETAINED_BY_LAW}"


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    rows = session.rows(_SCREENINGS, (person_id,))
    return {"screenings": export_records(rows, "id purpose listVersion screenedAt", id="scr")}


PERSONAL_DATA = PersonalData(
    "screening",
    {
        "screenings": PersonalDataTable(
            "Checks against the sanctions list, with time and purpose; names, birth date,"
            " countries, and numbers of documents, companies and phones are sealed",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            export_sections=("screenings",),
        ),
        "screening_hits": PersonalDataTable(
            "Listed names that a person's name resembles",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported="Staff investigate hits, and the law forbids disclosing a suspicion"
            " (31 USC 5318(g)(2)).",
        ),
        "screening_decisions": PersonalDataTable(
            "Whether a person was decided to be a listed party, by id",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported="People are notified of the consequence: a blocked account.",
        ),
    },
    export_sections=_export_sections,
)
