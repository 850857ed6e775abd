"""The verbs of providers: note a call, take a webhook."""

from datetime import timedelta
from uuid import UUID

from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.tasks import task
from app.outbox import service as outbox
from app.providers.ports import CallOutcome, ProviderEvent, WebhookDelivery

#: Calls and events can be looked up for so long.
RETENTION = timedelta(days=180)
_FORGET_BATCH = 100_000
_TABLE, _BODY = "webhook_events", "body_sealed"

_BEGIN = """
INSERT INTO provider_calls (id, provider, operation, reference, attempt, began_at, outcome)
VALUES (%s, %s, %s, %s, %s, %s, 'pending')
"""
_END = """
UPDATE provider_calls SET outcome = %s, code = %s, ended_at = %s WHERE id = %s
"""
_KEEP = """
INSERT INTO webhook_events (id, provider, event_id, kind, subject, body_sealed, received_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (provider, event_id) DO UPDATE SET deliveries = webhook_events.deliveries + 1
RETURNING id = %s
"""
_FORGET_CALLS = """
DELETE FROM provider_calls WHERE id = ANY (ARRAY(
    SELECT id FROM provider_calls WHERE began_at < %s LIMIT %s
))
"""
_FORGET_EVENTS = """
DELETE FROM webhook_events WHERE id = ANY (ARRAY(
    SELECT id FROM webhook_events WHERE received_at < %s LIMIT %s
))
"""


class CallLog:
    """Notes each call to a provider, whoever makes it, in transactions of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_start(self, provider: str, operation: str, *, reference: str, attempt: int) -> UUID:
        """A call is about to be made."""
        identifier = ids.new()
        with self._database.transaction() as session:
            session.send(_BEGIN, (identifier, provider, operation, reference, attempt, clock.now()))
        return identifier

    def record_end(self, identifier: UUID, outcome: CallOutcome, code: str | None = None) -> None:
        """It is over."""
        with self._database.transaction() as session:
            session.send(_END, (outcome, code, clock.now(), identifier))


def store_events(
    session: Session, provider: str, delivery: WebhookDelivery, events: list[ProviderEvent]
) -> int:
    """Keep what a verified webhook says, and stage what each event asks for; answers how many
    events were new."""
    new = 0
    for event in events:
        identifier = ids.new()
        sealed = keys.seal(delivery.body, table=_TABLE, column=_BODY, key=identifier)
        row = session.row(
            _KEEP,
            (
                identifier,
                provider,
                event.id,
                event.kind,
                event.subject,
                sealed,
                clock.now(),
                identifier,
            ),
        )
        assert row is not None
        if row[0]:
            outbox.stage(session, event.task, {"event_id": str(identifier)})
            new += 1
    return new


@task("providers.forget_old")
def delete_old_records(session: Session) -> None:
    """Delete calls and events that nobody looks up any more, a batch at a time."""
    session.send(_FORGET_CALLS, (clock.now() - RETENTION, _FORGET_BATCH))
    session.send(_FORGET_EVENTS, (clock.now() - RETENTION, _FORGET_BATCH))
