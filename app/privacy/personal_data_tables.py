"""Every room that names people, in the order of the archive; and every table that names nobody.

A house rule fails for a table that stands in neither, so that a new one cannot be overlooked.
"""

from collections.abc import Mapping
from dataclasses import astuple
from uuid import UUID

from app.approvals import personal as approvals_personal
from app.audit import personal as audit_personal
from app.cases import personal as cases_personal
from app.custody import personal as custody_personal
from app.funding import personal as funding_personal
from app.idempotency import personal as idempotency_personal
from app.identity import personal as identity_personal
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)
from app.kyc import personal as kyc_personal
from app.ledger import personal as ledger_personal
from app.messages import personal as messages_personal
from app.outbox import personal as outbox_personal
from app.privacy import consents
from app.providers import personal as providers_personal
from app.screening import personal as screening_personal
from app.throttle import personal as throttle_personal
from app.trading import personal as trading_personal

#: The act of staff that erases somebody; it does not stand in its own way.
ERASE_PERSON = "person.erase"

_EXPORTS = """
SELECT id, status, requested_at, ready_at, expires_at FROM exports WHERE user_id = %s ORDER BY id
"""
_CANCEL_EXPORTS = """
UPDATE exports SET archive_sealed = NULL,
    status = CASE status WHEN 'pending' THEN 'cancelled' ELSE 'expired' END
WHERE user_id = %s AND status IN ('pending', 'ready')
"""


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    decisions = map(astuple, consents.list_decisions(session, person_id))
    exports = session.rows(_EXPORTS, (person_id,))
    return {
        "consents": export_records(decisions, "policy version given decidedAt channel"),
        "exports": export_records(exports, "id status requestedAt readyAt expiresAt", id="exp"),
    }


def _erase(session: Session, person_id: UUID) -> None:
    session.send(_CANCEL_EXPORTS, (person_id,))


_EVIDENCE = f"Evidence that a right was respected, without the contents. {RETAINED_BY_LAW}"
PRIVACY = PersonalData(
    "privacy",
    {
        "consents": PersonalDataTable(
            "Which version of a policy was agreed to, or not any more, and when",
            ErasureEffect.RETAINED,
            f"Evidence of what was agreed. {RETAINED_BY_LAW}",
            export_sections=("consents",),
        ),
        "exports": PersonalDataTable(
            "That a copy was asked for and, for a day, the copy itself, sealed",
            ErasureEffect.ANONYMIZED,
            f"The copy is deleted. {_EVIDENCE}",
            export_sections=("exports",),
        ),
        "erasures": PersonalDataTable(
            "That the person was erased, and until when the rest is kept",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported="There is a row only of somebody who can ask for no archive any more.",
        ),
    },
    export_sections=_export_sections,
    erase=_erase,
)

ROOMS: tuple[PersonalData, ...] = (
    identity_personal.PERSONAL_DATA,
    ledger_personal.PERSONAL_DATA,
    trading_personal.PERSONAL_DATA,
    funding_personal.PERSONAL_DATA,
    custody_personal.PERSONAL_DATA,
    kyc_personal.PERSONAL_DATA,
    messages_personal.PERSONAL_DATA,
    PRIVACY,
    screening_personal.PERSONAL_DATA,
    cases_personal.PERSONAL_DATA,
    approvals_personal.personal_data(ignored_action=ERASE_PERSON),
    audit_personal.PERSONAL_DATA,
    idempotency_personal.PERSONAL_DATA,
    outbox_personal.PERSONAL_DATA,
    providers_personal.PERSONAL_DATA,
    throttle_personal.PERSONAL_DATA,
)

#: Why a table names nobody.
TABLES_WITHOUT_PERSONAL_DATA: Mapping[str, str] = {
    "account_classes": "The chart of accounts.",
    "assets": "What can be held.",
    "branches": "Where the house is.",
    "custody_balances": "What custodians say that they keep.",
    "custody_polls": "How far a custodian's list was read.",
    "exposures": "Sums over everybody.",
    "key_rotations": "Walks over sealed values, by key.",
    "market_prices": "Prices.",
    "permissions": "Names of rights.",
    "role_grants": "What a role may do.",
    "reconciliations": "How our books compared with what providers say, in numbers.",
    "rollups": "Sums of the house's own accounts; those of customers have none.",
    "rollup_watermark": "A transaction's number.",
    "sanctions_entries": "Public data on listed parties, as the Treasury publishes it.",
    "sanctions_lists": "Which versions of that there were.",
    "ticks": "Prices.",
    "timetable": "What happens when.",
}


def export_sections(session: Session, person_id: UUID) -> dict[str, ExportSections]:
    """Everything that an archive contains, by room."""
    found = {room.name: room.export_sections(session, person_id) for room in ROOMS}
    return {name: sections for name, sections in found.items() if sections}


def export_files(session: Session, person_id: UUID) -> dict[str, bytes]:
    """The documents that an archive contains, by the name they have there."""
    return {
        f"{room.name}/{name}": data
        for room in ROOMS
        for name, data in room.export_files(session, person_id).items()
    }


def list_erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    """What stands in the way of erasing a person."""
    return [each for room in ROOMS for each in room.erasure_blockers(session, person_id)]


def erase_from_all_rooms(session: Session, person_id: UUID) -> None:
    """Let every room forget a person."""
    for room in ROOMS:
        room.erase(session, person_id)
