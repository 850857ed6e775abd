"""What is kept of a person's requests, and how it is forgotten."""

from uuid import UUID

from app.kit.db import Session
from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable


def _erase(session: Session, person_id: UUID) -> None:
    session.send("DELETE FROM idempotent_answers WHERE actor_id = %s", (person_id,))


PERSONAL_DATA = PersonalData(
    "idempotency",
    {
        "idempotent_answers": PersonalDataTable(
            "What was answered to the person's programs, byte for byte, for thirty days",
            ErasureEffect.DELETED,
            "Nobody can send the request again.",
            not_exported="Copies of what the archive tells of orders, quotes and transfers.",
        )
    },
    erase=_erase,
)
