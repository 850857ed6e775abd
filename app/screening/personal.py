"""What screening holds on a person."""

from uuid import UUID

from app.kit.db import Session
from app.kit.personal import KEPT_BY_LAW, Fate, Room, Sections, Table, told

_SCREENINGS = """
SELECT id, purpose, list_version, screened_at FROM screenings WHERE person_id = %s ORDER BY id
"""
_EVIDENCE = f"Evidence that nobody was served who may not be. {KEPT_BY_LAW}"


def _held(session: Session, person_id: UUID) -> Sections:
    rows = session.rows(_SCREENINGS, (person_id,))
    return {"screenings": told(rows, "id purpose listVersion screenedAt", id="scr")}


ROOM = Room(
    "screening",
    {
        "screenings": Table(
            "That somebody was checked against the sanctions list, when and what for; as whom, by"
            " names, birth date and countries, is sealed",
            Fate.KEPT,
            _EVIDENCE,
            exported=("screenings",),
        ),
        "screening_hits": Table(
            "Which listed names theirs was like",
            Fate.KEPT,
            _EVIDENCE,
            not_exported="What staff look into is theirs, and of a suspicion nobody may be told"
            " (31 USC 5318(g)(2)).",
        ),
        "screening_decisions": Table(
            "Whether it was decided that somebody is a listed party, by id",
            Fate.KEPT,
            _EVIDENCE,
            not_exported="People are told what follows from it: an account that is blocked.",
        ),
    },
    held=_held,
)
