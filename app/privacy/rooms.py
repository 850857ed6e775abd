"""Every room that names people, in the order of the archive; and every table that names nobody.

A house rule fails for a table that stands in neither, so that a new one cannot be overlooked.
"""

from collections.abc import Mapping
from dataclasses import astuple
from uuid import UUID

from app.approvals import personal as approvals
from app.audit import personal as audit
from app.cases import personal as cases
from app.funding import personal as funding
from app.idempotency import personal as idempotency
from app.identity import personal as identity
from app.kit.db import Session
from app.kit.personal import KEPT_BY_LAW, Fate, Open, Room, Sections, Table, told
from app.kyc import personal as kyc
from app.ledger import personal as ledger
from app.messages import personal as messages
from app.outbox import personal as outbox
from app.privacy import consents
from app.providers import personal as providers
from app.screening import personal as screening
from app.throttle import personal as throttle
from app.trading import personal as trading

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
    identity.ROOM,
    ledger.ROOM,
    trading.ROOM,
    funding.ROOM,
    kyc.ROOM,
    messages.ROOM,
    OWN,
    screening.ROOM,
    cases.ROOM,
    approvals.room(unless=ERASE),
    audit.ROOM,
    idempotency.ROOM,
    outbox.ROOM,
    providers.ROOM,
    throttle.ROOM,
)

#: Why a table names nobody.
NOBODYS: Mapping[str, str] = {
    "account_classes": "The chart of accounts.",
    "assets": "What can be held.",
    "branches": "Where the house is.",
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
