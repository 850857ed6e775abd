"""Personal data of kyc: sealed evidence that the law requires us to keep."""

import json
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureEffect,
    ExportFiles,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
    retention_end,
)
from app.kyc.evidence import documents
from app.kyc.queries import PREFIX
from app.kyc.review import transitions
from app.kyc.rules import OPEN_STATUSES, VerificationStatus
from app.kyc.submission import queries as submission_queries

_ALL = """
SELECT id, kind, status, tier, array_to_string(reasons, ' '), submitted_at, decided_at, expires_at
FROM verifications WHERE user_id = %s ORDER BY id
"""
_HISTORY = """
SELECT e.verification_id, e.from_status, e.to_status, e.tier, array_to_string(e.reasons, ' '), e.at
FROM verification_events e JOIN verifications v ON v.id = e.verification_id
WHERE v.user_id = %s ORDER BY e.id
"""
_KEEP = (
    "UPDATE verifications SET kept_until = %s WHERE user_id = %s",
    "UPDATE kyc_documents SET kept_until = %s WHERE user_id = %s",
)


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    verifications, history = session.fetch((_ALL, (person_id,)), (_HISTORY, (person_id,)))
    details, owners = [], []
    for verification_id, *_rest in verifications:
        public_id = ids.encode(PREFIX, verification_id)
        opened = submission_queries.details_of(session, verification_id)
        if opened is not None:
            details.append({"verificationId": public_id, **json.loads(opened.to_json())})
        for owner in submission_queries.owners_of(session, verification_id):
            share = {"shareBps": owner.share_bps, "controls": owner.controls}
            owners.append({"verificationId": public_id, **json.loads(owner.to_json()), **share})
    return {
        "verifications": export_records(
            verifications, "id kind status tier reasons submittedAt decidedAt expiresAt", id=PREFIX
        ),
        "said": details,
        "owners": owners,
        "history": export_records(
            history, "verificationId from to tier reasons at", verificationId=PREFIX
        ),
        "documents": [
            {
                "file": f"kyc/{documents.names_of_files(document)[0]}"
                if document.is_usable
                else None,
                "files": [f"kyc/{name}" for name in documents.names_of_files(document)],
                "state": document.state,
                "type": document.purpose,
                "sizeBytes": document.size_bytes,
                "uploadedAt": clock.rfc3339(document.uploaded_at),
            }
            for document in documents.documents_of(session, person_id)
        ],
    }


def _export_files(session: Session, person_id: UUID) -> ExportFiles:
    return {
        name: read
        for document in documents.documents_of(session, person_id)
        for name, read in documents.kept_files(session, document).items()
    }


def _erase(session: Session, person_id: UUID) -> None:
    """Withdraw open verifications, and set when the evidence is deleted."""
    for verification in transitions.lock_verifications_of(session, person_id):
        if verification.status in OPEN_STATUSES:
            transitions.change_status(session, verification, VerificationStatus.WITHDRAWN)
    for statement in _KEEP:
        session.send(statement, (retention_end(clock.now()), person_id))


_EVIDENCE = f"Evidence of a customer's identity. {RETAINED_BY_LAW} Then a job deletes it."
PERSONAL_DATA = PersonalData(
    "kyc",
    {
        "verifications": PersonalDataTable(
            "Submitted details of people and companies, sealed: names, date of birth, postal"
            " address, ID number; and the outcome",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            export_sections=("verifications", "said"),
        ),
        "verification_events": PersonalDataTable(
            "Each change of a verification, with actor and reason. Notes of staff are not exported",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            export_sections=("history",),
        ),
        "beneficial_owners": PersonalDataTable(
            "Owners of a company and the people who control it, sealed",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            export_sections=("owners",),
        ),
        "kyc_documents": PersonalDataTable(
            "Documents that were sent, with the hash of the file; the file itself, encrypted, until"
            " its pages are drawn",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            export_sections=("documents",),
        ),
        "kyc_document_pages": PersonalDataTable(
            "Pages of documents as pictures, encrypted",
            ErasureEffect.RETAINED,
            _EVIDENCE,
            export_sections=("documents",),
        ),
    },
    export_sections=_export_sections,
    export_files=_export_files,
    erase=_erase,
)
