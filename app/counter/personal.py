"""The personal data of the counter: cash that a customer paid in or was paid, and who served."""

from uuid import UUID

import sqlalchemy as sa

from app.catalog.rules import USD
from app.counter.drawers.models import CashMovement
from app.counter.receipts.models import CashReceipt
from app.counter.receipts.queries import PREFIX
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

_MOVEMENTS = sa.select(
    CashMovement.kind,
    CashMovement.instrument,
    CashMovement.units,
    CashMovement.reference,
    CashMovement.at,
).order_by(CashMovement.id)

_RECEIPTS = sa.select(
    CashReceipt.id, CashReceipt.number, CashReceipt.reference, CashReceipt.written_at
).order_by(CashReceipt.id)


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    rows = session.select(
        lambda units, **row: {**row, "units": str(Amount(USD, units))},
        _MOVEMENTS.where(CashMovement.user_id == person_id),
    )
    values = [
        (row["kind"], row["instrument"], row["units"], row["reference"], row["at"]) for row in rows
    ]
    receipts = session.select(
        lambda **row: tuple(row.values()), _RECEIPTS.where(CashReceipt.user_id == person_id)
    )
    return {
        "cashMovements": export_records(values, "kind instrument amount reference at"),
        "receipts": export_records(receipts, "id number reference writtenAt", id=PREFIX),
    }


PERSONAL_DATA = PersonalData(
    "counter",
    {
        "drawers": PersonalDataTable(
            "Which member of staff had the cash of a drawer, by id",
            ErasureEffect.RETAINED,
            f"It proves who counted the cash. {RETAINED_BY_LAW}",
            not_exported="PBCEx's internal control.",
        ),
        "cash_movements": PersonalDataTable(
            "Cash that a customer paid in or was paid, and which staff took or gave it, by id",
            ErasureEffect.RETAINED,
            f"It is part of the books. {RETAINED_BY_LAW}",
            export_sections=("cashMovements",),
        ),
        "cash_receipts": PersonalDataTable(
            "The numbers of the receipts of a customer's cash",
            ErasureEffect.RETAINED,
            f"They are part of the books. {RETAINED_BY_LAW}",
            export_sections=("receipts",),
        ),
    },
    export_sections=_export_sections,
)
