"""What custody holds on a person, and how it forgets them."""

from uuid import UUID

from app.catalog.rules import TRADABLE
from app.custody import addresses
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.personal import KEPT_BY_LAW, Fate, Room, Sections, Table, told

_ADDRESSES = """
SELECT id, asset, network, address, asked_at, retired_at FROM custody_addresses
WHERE user_id = %s ORDER BY id
"""
_ARRIVALS = """
SELECT r.asset, r.units, r.address, r.tx_hash, r.arrived_at
FROM custody_addresses a JOIN custody_arrivals r ON r.address_id = a.id
WHERE a.user_id = %s ORDER BY r.id
"""


def _held(session: Session, person_id: UUID) -> Sections:
    given, came = session.fetch((_ADDRESSES, (person_id,)), (_ARRIVALS, (person_id,)))
    arrived = ((asset, str(Amount(TRADABLE[asset], units)), *rest) for asset, units, *rest in came)
    return {
        "depositAddresses": told(
            given, "id asset network address askedAt retiredAt", id=addresses.PREFIX
        ),
        "arrivals": told(arrived, "asset amount address txHash arrivedAt"),
    }


ROOM = Room(
    "custody",
    {
        "custody_addresses": Table(
            "The addresses that the person can send tokens to",
            Fate.KEPT,
            f"Retired, and never given to anybody else. {KEPT_BY_LAW}",
            exported=("depositAddresses",),
        ),
        "custody_arrivals": Table(
            "What came to these addresses",
            Fate.KEPT,
            KEPT_BY_LAW,
            exported=("arrivals",),
        ),
        "custody_sends": Table(
            "Where tokens were sent, sealed, for a withdrawal by its id",
            Fate.KEPT,
            KEPT_BY_LAW,
            not_exported="The same is told with the withdrawal.",
        ),
        "custody_send_events": Table(
            "Which custodian was asked to send, and what it answered",
            Fate.KEPT,
            f"Evidence that nothing was sent twice. {KEPT_BY_LAW}",
            not_exported="How the house and its custodians went about a withdrawal.",
        ),
    },
    held=_held,
    forget=addresses.retire,
)
