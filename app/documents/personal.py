"""The personal data in documents."""

from uuid import UUID

from app.documents import queries
from app.kit import clock
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
)


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    return {
        "salesDocuments": [
            {
                "id": document.public_id,
                "kind": document.kind,
                "number": document.number,
                "subject": document.subject,
                "issuedAt": clock.rfc3339(document.issued_at),
                "content": queries.get_content(session, document.id).to_json(),
            }
            for document in queries.list_every_document(session, person_id)
        ]
    }


PERSONAL_DATA = PersonalData(
    "documents",
    {
        "sales_documents": PersonalDataTable(
            "Invoices: what was sold to whom; what they say is sealed",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            export_sections=("salesDocuments",),
        )
    },
    export_sections=_export_sections,
)
