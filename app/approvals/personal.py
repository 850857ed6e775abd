"""What approvals hold on a person."""

from uuid import UUID

from app.approvals import queries
from app.kit.db import Session
from app.kit.personal import KEPT_BY_LAW, Fate, Open, Room, Table

_OF_THE_HOUSE = f"How the house decided is evidence of its own conduct. {KEPT_BY_LAW}"
_STAFFS = "What staff write about their decisions is theirs; people are told what was decided."


def room(*, unless: str) -> Room:
    """The room, with what waits about a person in the way of their erasure, except the request for
    the act `unless`: the erasure itself."""

    def still_open(session: Session, person_id: UUID) -> list[Open]:
        waiting = queries.waiting_about(session, person_id)
        # Not what it is: somebody who is about to be suspended is not warned.
        told = Open("account", "The account cannot be closed now. Ask support when it can.")
        return [told] if any(each.action != unless for each in waiting) else []

    return Room("approvals", TABLES, still_open=still_open)


TABLES = {
    "approvals": Table(
        "What staff asked a second person for about somebody, by id, and why",
        Fate.KEPT,
        _OF_THE_HOUSE,
        not_exported=_STAFFS,
    ),
    "approval_events": Table(
        "Who decided, and when", Fate.KEPT, _OF_THE_HOUSE, not_exported=_STAFFS
    ),
}
