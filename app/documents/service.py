"""The verbs of documents: request one with the act that it documents, and number what waits."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.documents import queries
from app.documents.models import SalesDocument
from app.documents.queries import NumberedDocument
from app.documents.rules import DocumentContent, DocumentKind
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.notifications import service as notifications
from app.notifications.document_kinds import DocumentIssued

#: So many documents of an entity and kind are numbered at a time.
BATCH = 5_000
_WAITING = "SELECT DISTINCT entity_id, kind FROM sales_documents WHERE number IS NULL"
_OPEN_COUNTER = """
INSERT INTO document_counters (entity_id, kind, last_number) VALUES (%s, %s, 0)
ON CONFLICT (entity_id, kind) DO NOTHING
"""
_LOCK_COUNTER = """
SELECT last_number FROM document_counters WHERE entity_id = %s AND kind = %s FOR UPDATE
"""
_NUMBER = """
WITH waiting AS (
    SELECT id, row_number() OVER (ORDER BY issued_at, id) AS place FROM sales_documents
    WHERE entity_id = %(entity_id)s AND kind = %(kind)s AND number IS NULL
    ORDER BY issued_at, id LIMIT %(batch)s
), numbered AS (
    UPDATE sales_documents SET number = %(last)s + waiting.place, numbered_at = %(now)s
    FROM waiting WHERE sales_documents.id = waiting.id RETURNING 1
)
UPDATE document_counters SET last_number = last_number + (SELECT count(*) FROM numbered)
WHERE entity_id = %(entity_id)s AND kind = %(kind)s
RETURNING last_number
"""


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to be numbered. `subject` is the public id of what it documents."""

    kind: DocumentKind
    entity_id: UUID
    subject: PublicId
    user_id: UUID
    content: DocumentContent
    issued_at: datetime


def request_document(session: Session, document: NewDocument) -> UUID:
    """Store a document in the transaction of the act that it documents, and return its id.

    It gets its number within seconds after the commit. Nothing is locked for it, so that acts do
    not wait for each other.
    """
    document_id = ids.new()
    text = json.dumps(document.content.to_json())
    columns = {
        "id": document_id,
        "entity_id": document.entity_id,
        "kind": document.kind,
        "subject": document.subject,
        "user_id": document.user_id,
        "total_units": document.content.total.units,
        "content_sealed": keys.seal(
            text, table="sales_documents", column="content_sealed", key=document_id
        ),
        "issued_at": document.issued_at,
    }
    session.insert((SalesDocument, [columns]))
    return document_id


def number_waiting(session: Session) -> int:
    """Number the documents that were committed without a number, notify their customers, and return
    how many there were.

    Numbers are consecutive for each legal entity and kind: the counter and the documents change
    together or not at all. A document that is committed later has a higher number than all those
    that this call sees; of those that it sees, the one that was issued first has the lowest.
    """
    numbered = 0
    for entity_id, kind in session.rows(_WAITING, ()):
        session.send(_OPEN_COUNTER, (entity_id, kind))
        last = session.value(_LOCK_COUNTER, (entity_id, kind))
        parameters = {
            "entity_id": entity_id,
            "kind": kind,
            "batch": BATCH,
            "last": last,
            "now": clock.now(),
        }
        session.value(_NUMBER, parameters)
        for document in queries.list_numbered(session, entity_id, DocumentKind(kind), last):
            _notify(session, document)
            numbered += 1
    return numbered


def _notify(session: Session, document: NumberedDocument) -> None:
    message = DocumentIssued(document.public_id, document.title, document.total, document.issued_at)
    notifications.notify(session, message, to=document.user_id, event=document.public_id)
