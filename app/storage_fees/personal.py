"""The personal data of storage fees."""

from uuid import UUID

from app.kit import clock
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
from app.storage_fees import queries

_ACCRUALS = """
SELECT day::text, metal, ounces_units::numeric / 100000000 FROM storage_accruals
WHERE user_id = %s ORDER BY day, metal
"""
_OPEN = """
SELECT (SELECT count(*) FROM storage_charges WHERE user_id = %(user)s AND status = 'due'),
    EXISTS (SELECT FROM storage_accruals WHERE user_id = %(user)s
        AND NOT EXISTS (SELECT FROM storage_months m WHERE m.month = date_trunc('month', day)))
"""


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    return {
        "storageFees": [
            {
                "id": charge.public_id,
                "month": charge.month.isoformat(),
                "status": charge.status,
                "fee": str(charge.fee),
                "owed": str(charge.owed),
                "chargedAt": clock.rfc3339(charge.charged_at) if charge.charged_at else None,
                "arithmetic": [line.explanation for line in charge.lines],
            }
            for charge in queries.list_charges(session, person_id)
        ],
        "storedMetal": export_records(session.rows(_ACCRUALS, (person_id,)), "day metal ounces"),
    }


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    [(due, is_accrued)] = session.rows(_OPEN, {"user": person_id})
    if not due and not is_accrued:
        return []
    return [
        ErasureBlocker(
            "storageFees", "Storage fees are not charged yet. They are when their month has ended."
        )
    ]


PERSONAL_DATA = PersonalData(
    "storage_fees",
    {
        "storage_accruals": PersonalDataTable(
            "How much metal a person had at the end of a day, for the fee of storing it; deleted"
            " after some thirteen months",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            export_sections=("storedMetal",),
        ),
        "storage_charges": PersonalDataTable(
            "The storage fee of each month: how it was paid, and whether it was waived",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            export_sections=("storageFees",),
        ),
        "storage_charge_lines": PersonalDataTable(
            "The arithmetic of a storage fee",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            export_sections=("storageFees",),
        ),
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
)
