"""Documents of tests, each about an act of its own."""

from typing import Any
from uuid import UUID

from app.access import Actor
from app.branches.entities import service as entities
from app.branches.entities.rules import CashReportRegime
from app.branches.entities.service import EntityFacts
from app.catalog.rules import USD
from app.documents import service as documents
from app.documents.models import SalesDocument
from app.documents.rules import DocumentContent, DocumentKind, DocumentLine, Party
from app.documents.service import NewDocument
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.money import Amount
from tests.rows import read_values
from tests.shop.stall import NEW_HAMPSHIRE


def add_entity(database: Database) -> UUID:
    """Add a legal entity and return its id."""
    facts = EntityFacts("A company of tests", "US-NH", NEW_HAMPSHIRE, "12-3456789")
    code = f"E{ids.new().hex[-11:].upper()}"
    with database.transaction() as session:
        return entities.add_entity(session, None, code, facts, CashReportRegime.CTR)


def request(session: Session, entity_id: UUID, customer: Actor) -> UUID:
    """Request the invoice of a coin, and return its id."""
    now, nothing = clock.now(), Amount(USD, 0)
    line = DocumentLine("AU-COIN", "A coin", 1, Amount(USD, 420_840), nothing, "")
    content = DocumentContent(
        Party("A company"),
        Party("Ada Lovelace"),
        "10000001",
        now,
        now,
        [line],
        nothing,
        nothing,
        "",
    )
    subject = ids.encode("ord", ids.new())
    return documents.request_document(
        session,
        NewDocument(DocumentKind.INVOICE, entity_id, subject, customer.user_id, content, now),
    )


def read_numbers(database: Database, entity_id: UUID) -> list[Any]:
    """Return the numbers of a legal entity's documents, in the order of their requests."""
    with database.reading() as session:
        return read_values(session, SalesDocument.number, SalesDocument.entity_id == entity_id)
