"""The personal data of the helpdesk, of all its rooms."""

from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
)

_CREDITS = "SELECT id, units, at FROM goodwill_credits WHERE user_id = %s ORDER BY id"


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    return {
        "goodwillCredits": [
            {
                "id": ids.encode("gdw", credit_id),
                "amount": f"{units // 100}.{units % 100:02}",
                "asset": "USD",
                "at": clock.rfc3339(at),
            }
            for credit_id, units, at in session.rows(_CREDITS, (person_id,))
        ]
    }


def _erase(session: Session, person_id: UUID) -> None:
    session.send("DELETE FROM customer_notes WHERE user_id = %s", (person_id,))


PERSONAL_DATA = PersonalData(
    "helpdesk",
    {
        "customer_notes": PersonalDataTable(
            "Notes of staff on a person, sealed",
            ErasureEffect.DELETED,
            "They serve to help the person, who is gone.",
            not_exported="Internal notes of staff; what was decided is in the records themselves.",
        ),
        "queue_claims": PersonalDataTable(
            "Who of the staff worked on what about a person, and why it was escalated, sealed",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            not_exported="Internal notes of staff; what was decided is in the records themselves.",
        ),
        "goodwill_credits": PersonalDataTable(
            "Dollars that a person got for goodwill",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            export_sections=("goodwillCredits",),
        ),
    },
    export_sections=_export_sections,
    erase=_erase,
)
