"""What custody holds on a person, and how it forgets them."""

from uuid import UUID

from app.catalog.rules import TRADABLE
from app.custody import addresses
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)

_ADDRESSES = """
SELECT id, asset, network, address, asked_at, retired_at FROM custody_addresses
WHERE user_id = %s ORDER BY id
"""
_ARRIVALS = """
SELECT r.asset, r.units, r.address, r.tx_hash, r.arrived_at
FROM custody_addresses a JOIN custody_arrivals r ON r.address_id = a.id
WHERE a.user_id = %s ORDER BY r.id
"""


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    given, came = session.fetch((_ADDRESSES, (person_id,)), (_ARRIVALS, (person_id,)))
    arrived = ((asset, str(Amount(TRADABLE[asset], units)), *rest) for asset, units, *rest in came)
    return {
        "depositAddresses": export_records(
            given, "id asset network address askedAt retiredAt", id=addresses.PREFIX
        ),
        "arrivals": export_records(arrived, "asset amount address txHash arrivedAt"),
    }


PERSONAL_DATA = PersonalData(
    "custody",
    {
        "custody_addresses": PersonalDataTable(
            "The addresses that the person can send tokens to",
            ErasureEffect.RETAINED,
            f"Retired, and never given to anybody else. {RETAINED_BY_LAW}",
            export_sections=("depositAddresses",),
        ),
        "custody_arrivals": PersonalDataTable(
            "What came to these addresses",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            export_sections=("arrivals",),
        ),
        "custody_sends": PersonalDataTable(
            "Where tokens were sent, sealed, for a withdrawal by its id",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            not_exported="The same is told with the withdrawal.",
        ),
        "custody_send_events": PersonalDataTable(
            "Which custodian was asked to send, and what it answered",
            ErasureEffect.RETAINED,
            f"Evidence that nothing was sent twice. {RETAINED_BY_LAW}",
            not_exported="How the house and its custodians went about a withdrawal.",
        ),
    },
    export_sections=_export_sections,
    erase=addresses.retire_addresses,
)
