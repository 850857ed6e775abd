"""Declare the personal data of idempotency, and erase it."""

from uuid import UUID

from app.kit.db import Session
from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable


def _erase(session: Session, person_id: UUID) -> None:
    session.send("DELETE FROM idempotent_answers WHERE actor_id = %s", (person_id,))


PERSONAL_DATA = PersonalData(
    "idempotency",
    {
        "idempotent_answers": PersonalDataTable(
            "Responses to the person's requests, byte for byte, for thirty days",
            ErasureEffect.DELETED,
            "The requests cannot be repeated any more.",
            not_exported="Copies of the orders, quotes and transfers in the archive.",
        )
    },
    erase=_erase,
)
