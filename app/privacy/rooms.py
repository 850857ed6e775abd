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
from app.kit.personal import KEPT_BY_LAW, Fate, Open, Room, Sections, Table, told
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
ERASE = "person.erase"

_EXPORTS = """
SELECT id, status, requested_at, ready_at, expires_at FROM exports WHERE user_id = %s ORDER BY id
"""
_CANCEL_EXPORTS = """
UPDATE exports SET archive_sealed = NULL,
    status = CASE status WHEN 'pending' THEN 'cancelled' ELSE 'expired' END
WHERE user_id = %s AND status IN ('pending', 'ready')
"""


def _held(session: Session, person_id: UUID) -> Sections:
    decisions = map(astuple, consents.decisions_of(session, person_id))
    exports = session.rows(_EXPORTS, (person_id,))
    return {
        "consents": told(decisions, "policy version given decidedAt channel"),
        "exports": told(exports, "id status requestedAt readyAt expiresAt", id="exp"),
    }


def _forget(session: Session, person_id: UUID) -> None:
    session.send(_CANCEL_EXPORTS, (person_id,))


_EVIDENCE = f"Evidence that a right was respected, without the contents. {KEPT_BY_LAW}"
OWN = Room(
    "privacy",
    {
        "consents": Table(
            "Which version of a policy was agreed to, or not any more, and when",
            Fate.KEPT,
            f"Evidence of what was agreed. {KEPT_BY_LAW}",
            exported=("consents",),
        ),
        "exports": Table(
            "That a copy was asked for and, for a day, the copy itself, sealed",
            Fate.EMPTIED,
            f"The copy is deleted. {_EVIDENCE}",
            exported=("exports",),
        ),
        "erasures": Table(
            "That the person was erased, and until when the rest is kept",
            Fate.KEPT,
            _EVIDENCE,
            not_exported="There is a row only of somebody who can ask for no archive any more.",
        ),
    },
    held=_held,
    forget=_forget,
)

ROOMS: tuple[Room, ...] = (
    identity_personal.ROOM,
    ledger_personal.ROOM,
    trading_personal.ROOM,
    funding_personal.ROOM,
    custody_personal.ROOM,
    kyc_personal.ROOM,
    messages_personal.ROOM,
    OWN,
    screening_personal.ROOM,
    cases_personal.ROOM,
    approvals_personal.room(unless=ERASE),
    audit_personal.ROOM,
    idempotency_personal.ROOM,
    outbox_personal.ROOM,
    providers_personal.ROOM,
    throttle_personal.ROOM,
)

#: Why a table names nobody.
NOBODYS: Mapping[str, str] = {
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


def held_on(session: Session, person_id: UUID) -> dict[str, Sections]:
    """Everything that an archive contains, by room."""
    found = {room.name: room.held(session, person_id) for room in ROOMS}
    return {name: sections for name, sections in found.items() if sections}


def files_of(session: Session, person_id: UUID) -> dict[str, bytes]:
    """The documents that an archive contains, by the name they have there."""
    return {
        f"{room.name}/{name}": data
        for room in ROOMS
        for name, data in room.files(session, person_id).items()
    }


def still_open(session: Session, person_id: UUID) -> list[Open]:
    """What stands in the way of erasing a person."""
    return [each for room in ROOMS for each in room.still_open(session, person_id)]


def forget(session: Session, person_id: UUID) -> None:
    """Let every room forget a person."""
    for room in ROOMS:
        room.forget(session, person_id)
