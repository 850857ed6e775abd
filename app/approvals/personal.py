"""What approvals hold on a person."""

from uuid import UUID

from app.approvals import queries
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    PersonalData,
    PersonalDataTable,
)

_OF_THE_HOUSE = f"How the house decided is evidence of its own conduct. {RETAINED_BY_LAW}"
_STAFFS = "What staff write about their decisions is theirs; people are told what was decided."


def personal_data(*, ignored_action: str) -> PersonalData:
    """The room, with what waits about a person in the way of their erasure, except the request for
    the act `unless`: the erasure itself."""

    def still_open(session: Session, person_id: UUID) -> list[ErasureBlocker]:
        waiting = queries.list_pending_about(session, person_id)
        # Not what it is: somebody who is about to be suspended is not warned.
        told = ErasureBlocker(
            "account", "The account cannot be closed now. Ask support when it can."
        )
        return [told] if any(each.action != ignored_action for each in waiting) else []

    return PersonalData("approvals", TABLES, erasure_blockers=still_open)


TABLES = {
    "approvals": PersonalDataTable(
        "What staff asked a second person for about somebody, by id, and why",
        ErasureEffect.RETAINED,
        _OF_THE_HOUSE,
        not_exported=_STAFFS,
    ),
    "approval_events": PersonalDataTable(
        "Who decided, and when", ErasureEffect.RETAINED, _OF_THE_HOUSE, not_exported=_STAFFS
    ),
}
