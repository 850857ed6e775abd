"""What kyc holds on a person: evidence that the law wants, sealed."""

import json
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.personal import KEPT_BY_LAW, Fate, Files, Room, Sections, Table, kept_until, told
from app.kyc import details, documents, steps
from app.kyc.queries import PREFIX
from app.kyc.rules import OPEN, Status

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


def _held(session: Session, person_id: UUID) -> Sections:
    found, history = session.fetch((_ALL, (person_id,)), (_HISTORY, (person_id,)))
    said, owners = [], []
    for verification_id, *_rest in found:
        public_id = ids.encode(PREFIX, verification_id)
        opened = details.of(session, verification_id)
        if opened is not None:
            said.append({"verificationId": public_id, **json.loads(opened.sealed_text())})
        for owner in details.owners_of(session, verification_id):
            share = {"shareBps": owner.share_bps, "controls": owner.controls}
            owners.append({"verificationId": public_id, **json.loads(owner.sealed_text()), **share})
    return {
        "verifications": told(
            found, "id kind status tier reasons submittedAt decidedAt expiresAt", id=PREFIX
        ),
        "said": said,
        "owners": owners,
        "history": told(history, "verificationId from to tier reasons at", verificationId=PREFIX),
        "documents": [
            {
                "file": f"kyc/{each.file_name}",
                "type": each.purpose,
                "sizeBytes": each.size_bytes,
                "uploadedAt": clock.rfc3339(each.uploaded_at),
            }
            for each in documents.of_person(session, person_id)
        ],
    }


def _files(session: Session, person_id: UUID) -> Files:
    return {
        each.file_name: documents.opened(session, each.id).data
        for each in documents.of_person(session, person_id)
    }


def _forget(session: Session, person_id: UUID) -> None:
    """Nothing goes on; the evidence is kept until its day, and then deleted."""
    for each in steps.locked_of(session, person_id):
        if each.status in OPEN:
            steps.go(session, each, Status.WITHDRAWN)
    for statement in _KEEP:
        session.send(statement, (kept_until(clock.now()), person_id))


_EVIDENCE = f"Evidence of who a customer was. {KEPT_BY_LAW} Then a job deletes it."
ROOM = Room(
    "kyc",
    {
        "verifications": Table(
            "What somebody said about themselves and their company, sealed: names, date of birth,"
            " address, numbers of documents; and what became of it",
            Fate.KEPT,
            _EVIDENCE,
            exported=("verifications", "said"),
        ),
        "verification_events": Table(
            "Each step of a verification, who made it, and why. What staff wrote is not exported",
            Fate.KEPT,
            _EVIDENCE,
            exported=("history",),
        ),
        "beneficial_owners": Table(
            "Who owns and controls somebody's company, as they said, sealed",
            Fate.KEPT,
            _EVIDENCE,
            exported=("owners",),
        ),
        "kyc_documents": Table(
            "Pictures and PDFs that somebody sent of their documents, encrypted",
            Fate.KEPT,
            _EVIDENCE,
            exported=("documents",),
        ),
    },
    held=_held,
    files=_files,
    forget=_forget,
)
