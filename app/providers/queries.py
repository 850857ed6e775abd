"""Reads of providers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.keys import service as keys
from app.kit.db import Session
from app.kit.errors import NotFound
from app.providers.ports import CallOutcome

_EVENT = """
SELECT id, provider, event_id, kind, subject, body_sealed, received_at FROM webhook_events
WHERE id = %s
"""
_EVENTS_ABOUT = """
SELECT id, provider, event_id, kind, subject, body_sealed, received_at FROM webhook_events
WHERE provider = %s AND subject = %s ORDER BY received_at, id
"""
_EVENTS_SINCE = """
SELECT id, provider, event_id, kind, subject, body_sealed, received_at FROM webhook_events
WHERE provider = %s AND kind = %s AND received_at >= %s ORDER BY received_at, id
"""
_LAST_CALL = """
SELECT max(began_at) FROM provider_calls
WHERE provider = %s AND operation = %s AND reference = %s
"""
_CALLED_SINCE = """
SELECT DISTINCT reference FROM provider_calls
WHERE provider = %s AND operation = %s AND began_at >= %s
"""
_LAST_OUTCOMES = """
SELECT p.name, c.outcome FROM unnest(%s::text[]) AS p (name) LEFT JOIN LATERAL (
    SELECT outcome, began_at FROM provider_calls
    WHERE provider = p.name AND began_at > %s AND outcome <> 'pending'
        AND code IS DISTINCT FROM 'unreadable'
    ORDER BY began_at DESC LIMIT %s
) AS c ON true ORDER BY p.name, c.began_at DESC
"""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A stored event of a provider, with the signed body."""

    id: UUID
    provider: str
    event_id: str
    kind: str
    subject: str
    body: bytes
    received_at: datetime


def stored_event(session: Session, identifier: UUID) -> StoredEvent:
    """Return the event with this row id. Raises `NotFound`."""
    row = session.row(_EVENT, (identifier,))
    if row is None:
        raise NotFound
    return _parse_event(row)


def events_about(session: Session, provider: str, subject: str) -> list[StoredEvent]:
    """Return a provider's events about one subject, oldest first."""
    return [_parse_event(row) for row in session.rows(_EVENTS_ABOUT, (provider, subject))]


def events_since(session: Session, provider: str, kind: str, since: datetime) -> list[StoredEvent]:
    """Return a provider's events of one kind since then, oldest first."""
    return [_parse_event(row) for row in session.rows(_EVENTS_SINCE, (provider, kind, since))]


def last_called_at(
    session: Session, provider: str, operation: str, reference: str
) -> datetime | None:
    """Return when the last such call to the provider began; None if there was none."""
    began_at: datetime | None = session.value(_LAST_CALL, (provider, operation, reference))
    return began_at


def references_called_since(
    session: Session, provider: str, operation: str, since: datetime
) -> frozenset[str]:
    """Return the references of all such calls to the provider since then."""
    rows = session.rows(_CALLED_SINCE, (provider, operation, since))
    return frozenset(reference for (reference,) in rows)


def _parse_event(row: tuple[Any, ...]) -> StoredEvent:
    key, provider, event_id, kind, subject, sealed, received_at = row
    body = keys.open_sealed(sealed, table="webhook_events", column="body_sealed", key=key)
    return StoredEvent(key, provider, event_id, kind, subject, body, received_at)


def recent_outcomes(
    session: Session, providers: list[str], since: datetime, limit: int
) -> dict[str, list[CallOutcome]]:
    """Return the outcomes of each provider's latest calls by any process, newest first.

    Only calls that began after `since` count, up to `limit` for each provider, without those whose
    answer we could not read.
    """
    outcomes: dict[str, list[CallOutcome]] = {name: [] for name in providers}
    for name, outcome in session.rows(_LAST_OUTCOMES, (providers, since, limit)):
        if outcome is not None:
            outcomes[name].append(CallOutcome(outcome))
    return outcomes
