"""What is kept of a person's requests, and how it is forgotten."""

from uuid import UUID

from app.kit.db import Session
from app.kit.personal import Fate, Room, Table


def _forget(session: Session, person_id: UUID) -> None:
    session.send("DELETE FROM idempotent_answers WHERE actor_id = %s", (person_id,))


ROOM = Room(
    "idempotency",
    {
        "idempotent_answers": Table(
            "What was answered to the person's programs, byte for byte, for thirty days",
            Fate.DELETED,
            "Nobody can send the request again.",
            not_exported="Copies of what the archive tells of orders, quotes and transfers.",
        )
    },
    forget=_forget,
)
