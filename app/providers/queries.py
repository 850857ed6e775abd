"""Reads of providers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.keys import service as keys
from app.kit.db import Session
from app.kit.errors import NotFound
from app.providers.ports import CallOutcome

_SELECT_EVENTS = """
SELECT e.id, e.provider, e.event_id, e.kind, e.subject, e.received_at,
    coalesce(e.body_of, e.id), coalesce(e.body_sealed, b.body_sealed)
FROM webhook_events e LEFT JOIN webhook_events b ON b.id = e.body_of
"""
_EVENT = f"""
{_SELECT_EVENTS}
WHERE e.id = %s
"""
_EVENTS_ABOUT = f"""
{_SELECT_EVENTS}
WHERE e.provider = %s AND e.subject = %s ORDER BY e.received_at, e.id
"""
_EVENTS_SINCE = f"""
{_SELECT_EVENTS}
WHERE e.provider = %s AND e.kind = %s AND e.received_at >= %s ORDER BY e.received_at, e.id
"""
_LAST_CALL = """
SELECT began_at, terms FROM provider_calls
WHERE provider = %s AND operation = %s AND reference = %s ORDER BY began_at DESC LIMIT 1
"""
_CALLED_SINCE = """
SELECT reference, terms FROM provider_calls
WHERE provider = %s AND operation = %s AND began_at >= %s ORDER BY began_at
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


@dataclass(frozen=True, slots=True)
class LastCall:
    """When the last call of an operation began, and what was agreed in it."""

    began_at: datetime
    terms: str


def last_call(session: Session, provider: str, operation: str, reference: str) -> LastCall | None:
    """Return the last such call to the provider; None if there was none."""
    row = session.row(_LAST_CALL, (provider, operation, reference))
    return LastCall(*row) if row else None


def terms_called_since(
    session: Session, provider: str, operation: str, since: datetime
) -> dict[str, str]:
    """Return the terms of the last such call to the provider since then, by reference."""
    return dict(session.rows(_CALLED_SINCE, (provider, operation, since)))


def _parse_event(row: tuple[Any, ...]) -> StoredEvent:
    identifier, provider, event_id, kind, subject, received_at, key, sealed = row
    body = keys.open_sealed(sealed, table="webhook_events", column="body_sealed", key=key)
    return StoredEvent(identifier, provider, event_id, kind, subject, body, received_at)


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
