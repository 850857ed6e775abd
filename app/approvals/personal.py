"""The personal data of approvals."""

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

_RETENTION_REASON = f"PBCEx's decisions are evidence of its own conduct. {RETAINED_BY_LAW}"
_NOT_EXPORTED = "The reasoning is internal. The person receives the decision."


def personal_data(*, ignored_action: str) -> PersonalData:
    """Return the personal data of approvals. Pending requests about a person block their erasure,
    except requests for `ignored_action`: the erasure itself."""

    def find_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
        pending = queries.list_pending_about(session, person_id)
        # The message does not say which request: a person about to be suspended is not warned.
        blocker = ErasureBlocker(
            "account", "The account cannot be closed now. Ask support when it can."
        )
        return [blocker] if any(request.action != ignored_action for request in pending) else []

    return PersonalData("approvals", TABLES, erasure_blockers=find_blockers)


TABLES = {
    "approvals": PersonalDataTable(
        "Requests for a second person's approval about the person, by id, with reasons",
        ErasureEffect.RETAINED,
        _RETENTION_REASON,
        not_exported=_NOT_EXPORTED,
    ),
    "approval_events": PersonalDataTable(
        "Who decided and when",
        ErasureEffect.RETAINED,
        _RETENTION_REASON,
        not_exported=_NOT_EXPORTED,
    ),
}
