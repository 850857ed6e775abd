"""The personal data of sales tax: who decided a rule, and certificates of customers."""

from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
)
from app.tax.assessment import CERTIFICATE_PREFIX
from app.tax.certificates import queries


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    numbers = queries.open_numbers(session, person_id)
    return {
        "exemptionCertificates": [
            {
                "id": ids.encode(CERTIFICATE_PREFIX, each.id),
                "state": each.state,
                "holder": each.holder,
                "ground": each.ground,
                "number": numbers[each.id],
                "validUntil": each.valid_until.isoformat(),
                "recordedAt": clock.rfc3339(each.recorded_at),
                "status": each.status,
            }
            for each in queries.list_certificates(session, person_id)
        ]
    }


PERSONAL_DATA = PersonalData(
    "tax",
    {
        "tax_rules": PersonalDataTable(
            "Which member of staff requested a rule of sales tax, by id",
            ErasureEffect.RETAINED,
            f"It proves who decided which tax was collected. {RETAINED_BY_LAW}",
            not_exported="PBCEx's internal control.",
        ),
        "exemption_certificates": PersonalDataTable(
            "Why a customer buys without sales tax in a state; the certificate's number, sealed;"
            " the member of staff who recorded it, by id",
            ErasureEffect.RETAINED,
            f"It proves why no tax was collected. {RETAINED_BY_LAW}",
            export_sections=("exemptionCertificates",),
        ),
    },
    export_sections=_export_sections,
)
