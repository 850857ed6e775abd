"""The verbs of providers: record a call, store a webhook's events."""

from datetime import timedelta
from uuid import UUID

from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.outbox import service as outbox
from app.providers.ports import CallOutcome, ProviderEvent, WebhookDelivery

#: How long calls and events are retained.
RETENTION = timedelta(days=180)
_DELETE_BATCH = 100_000
_TABLE, _BODY = "webhook_events", "body_sealed"

_INSERT_CALL = """
INSERT INTO provider_calls (id, provider, operation, reference, attempt, terms, began_at, outcome)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'pending')
"""
_SET_ENDED = """
UPDATE provider_calls SET outcome = %s, code = %s, ended_at = %s WHERE id = %s
"""
_COUNT_DELIVERY = """
UPDATE webhook_events SET deliveries = deliveries + 1
WHERE provider = %s AND event_id = ANY(%s) RETURNING event_id
"""
_STORE_EVENT = """
INSERT INTO webhook_events
    (id, provider, event_id, kind, subject, received_at, body_sealed, body_of)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (provider, event_id) DO UPDATE SET deliveries = webhook_events.deliveries + 1
RETURNING id = %s
"""
_DELETE_CALLS = """
DELETE FROM provider_calls WHERE id = ANY (ARRAY(
    SELECT id FROM provider_calls WHERE began_at < %s LIMIT %s
))
"""
_DELETE_EVENTS = """
DELETE FROM webhook_events WHERE id = ANY (ARRAY(
    SELECT id FROM webhook_events WHERE received_at < %s LIMIT %s
))
"""


class CallLog:
    """Records each call to a provider, in transactions of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_start(
        self, provider: str, operation: str, *, reference: str, attempt: int, terms: str = ""
    ) -> UUID:
        """Record that a call is about to be made; return its id."""
        identifier = ids.new()
        with self._database.transaction() as session:
            session.send(
                _INSERT_CALL,
                (identifier, provider, operation, reference, attempt, terms, clock.now()),
            )
        return identifier

    def record_end(self, identifier: UUID, outcome: CallOutcome, code: str | None = None) -> None:
        """Record the outcome of a call."""
        with self._database.transaction() as session:
            session.send(_SET_ENDED, (outcome, code, clock.now(), identifier))


def store_events(
    session: Session, provider: str, delivery: WebhookDelivery, events: list[ProviderEvent]
) -> int:
    """Store the events of a verified webhook once, publish their facts, and return how many were
    new. The first of those holds the body, which may be large and report hundreds of events."""
    event_ids = [event.id for event in events]
    known = {event_id for (event_id,) in session.rows(_COUNT_DELIVERY, (provider, event_ids))}
    body_of: UUID | None = None
    new = 0
    for event in events:
        if event.id in known:
            continue
        identifier, sealed = ids.new(), None
        if body_of is None:
            sealed = keys.seal(delivery.body, table=_TABLE, column=_BODY, key=identifier)
        about = (event.id, event.kind, event.subject, clock.now())
        values = (identifier, provider, *about, sealed, body_of, identifier)
        if session.value(_STORE_EVENT, values):
            body_of = body_of or identifier
            outbox.publish(session, event.fact(identifier), provider=provider)
            new += 1
    return new


def delete_old_records(session: Session) -> None:
    """Delete a batch of calls and events older than the retention period."""
    session.send(_DELETE_CALLS, (clock.now() - RETENTION, _DELETE_BATCH))
    session.send(_DELETE_EVENTS, (clock.now() - RETENTION, _DELETE_BATCH))
