"""Custody's personal data: what is exported, retained and erased."""

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
    address_rows, transfer_rows = session.fetch(
        (_ADDRESSES, (person_id,)), (_ARRIVALS, (person_id,))
    )
    transfers = (
        (asset, str(Amount(TRADABLE[asset], units)), *rest) for asset, units, *rest in transfer_rows
    )
    return {
        "depositAddresses": export_records(
            address_rows, "id asset network address askedAt retiredAt", id=addresses.PREFIX
        ),
        "arrivals": export_records(transfers, "asset amount address txHash arrivedAt"),
    }


PERSONAL_DATA = PersonalData(
    "custody",
    {
        "custody_addresses": PersonalDataTable(
            "The wallet addresses to which the person can send tokens",
            ErasureEffect.RETAINED,
            f"Retired, and never assigned to another person. {RETAINED_BY_LAW}",
            export_sections=("depositAddresses",),
        ),
        "custody_arrivals": PersonalDataTable(
            "The token transfers to these addresses",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            export_sections=("arrivals",),
        ),
        "custody_sends": PersonalDataTable(
            "The wallet address to which a withdrawal was sent, sealed, by the withdrawal's id",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            not_exported="Exported with the withdrawal.",
        ),
        "custody_send_events": PersonalDataTable(
            "The calls to custodians for a send, and their outcomes",
            ErasureEffect.RETAINED,
            f"Evidence that nothing was sent twice. {RETAINED_BY_LAW}",
            not_exported="Internal to PBCEx and its custodians.",
        ),
    },
    export_sections=_export_sections,
    erase=addresses.retire_addresses,
)
