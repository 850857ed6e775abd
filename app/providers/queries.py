"""Reads of providers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.keys import service as keys
from app.kit.db import Session
from app.kit.errors import NotFound

_EVENT = """
SELECT id, provider, event_id, kind, subject, body_sealed, received_at FROM webhook_events
WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event that a provider told us, with the body as it was signed."""

    id: UUID
    provider: str
    event_id: str
    kind: str
    subject: str
    body: bytes
    received_at: datetime


def event(session: Session, identifier: UUID) -> StoredEvent:
    """The event of that row. Raises `NotFound`."""
    row = session.row(_EVENT, (identifier,))
    if row is None:
        raise NotFound
    key, provider, event_id, kind, subject, sealed, received_at = row
    body = keys.open_sealed(sealed, table="webhook_events", column="body_sealed", key=key)
    return StoredEvent(key, provider, event_id, kind, subject, body, received_at)
