"""Reads of providers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.keys import service as keys
from app.kit.db import Session
from app.kit.errors import NotFound
from app.providers.ports import Outcome

_EVENT = """
SELECT id, provider, event_id, kind, subject, body_sealed, received_at FROM webhook_events
WHERE id = %s
"""
_LAST_OUTCOMES = """
SELECT p.name, c.outcome FROM unnest(%s::text[]) AS p (name) LEFT JOIN LATERAL (
    SELECT outcome, began_at FROM provider_calls
    WHERE provider = p.name AND began_at > %s AND outcome <> 'pending'
    ORDER BY began_at DESC LIMIT %s
) AS c ON true ORDER BY p.name, c.began_at DESC
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


def last_outcomes(
    session: Session, providers: list[str], since: datetime, limit: int
) -> dict[str, list[Outcome]]:
    """What became of the last calls of each of these providers, by any process, the latest first:
    of calls that began after `since`, and so many at most."""
    found: dict[str, list[Outcome]] = {name: [] for name in providers}
    for name, outcome in session.rows(_LAST_OUTCOMES, (providers, since, limit)):
        if outcome is not None:
            found[name].append(Outcome(outcome))
    return found
