"""The personal data of compliance: who brought or got cash, and what was reported of it."""

from uuid import UUID

from app.compliance.cash_reports import queries
from app.kit import clock
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
)

_EVIDENCE = f"Evidence of cash, and of what was reported of it. {RETAINED_BY_LAW}"
_NOT_EXPORTED = "What PBCEx reports to the authorities."


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    return {
        "cashTransactions": [
            {
                "reference": each.reference,
                "direction": each.direction,
                "instrument": each.instrument,
                "amount": str(each.amount),
                "at": clock.rfc3339(each.at),
            }
            for each in queries.list_cash_of(session, person_id)
        ]
    }


PERSONAL_DATA = PersonalData(
    "compliance",
    {
        "cash_transactions": PersonalDataTable(
            "Cash that a customer brought or got at a counter, and whose money it was",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            export_sections=("cashTransactions",),
        ),
        "cash_report_transactions": PersonalDataTable(
            "Which cash a report contains",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported=_NOT_EXPORTED,
        ),
        "cash_reports": PersonalDataTable(
            "Reports of a person's cash; the fields of the form, sealed",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported=_NOT_EXPORTED,
        ),
        "cash_report_people": PersonalDataTable(
            "The people whom a report names; their occupations, sealed",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            not_exported=_NOT_EXPORTED,
        ),
    },
    export_sections=_export_sections,
)
