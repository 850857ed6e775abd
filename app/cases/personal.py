"""What cases hold on a person."""

from uuid import UUID

from app.cases import queries
from app.kit.db import Session
from app.kit.personal import KEPT_BY_LAW, Fate, Open, Room, Table

_EVIDENCE = f"What was found and what the house did about it is evidence. {KEPT_BY_LAW}"
_STAFFS = (
    "What staff look into and write about it is theirs; people are told what was decided, and of a"
    " suspicion nobody may be told (31 USC 5318(g)(2))."
)


def _still_open(session: Session, person_id: UUID) -> list[Open]:
    # Not what it is: whoever is looked into is not warned.
    told = Open("account", "The account cannot be closed now. Ask support when it can.")
    return [told] if queries.is_open_about(session, person_id) else []


ROOM = Room(
    "cases",
    {
        "cases": Table(
            "What was found about somebody, by id; what it says is sealed",
            Fate.KEPT,
            _EVIDENCE,
            not_exported=_STAFFS,
        ),
        "case_events": Table(
            "Notes of staff, sealed, and who did what to a case",
            Fate.KEPT,
            _EVIDENCE,
            not_exported=_STAFFS,
        ),
    },
    still_open=_still_open,
)
