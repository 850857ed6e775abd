"""The delivery log of a channel: at most one delivery for an event and a person.

Each message is a row. One worker claims it in a transaction, the provider is called with nothing
locked, and another transaction records the result.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.tasks import JobClaimedElsewhere

#: Longer than a call may take: a worker that has not finished by then has ended.
CLAIM_DURATION = timedelta(minutes=1)
#: How long the delivery of a message can be looked up.
RETENTION = timedelta(days=90)
_DELETE_BATCH = 10_000


class DeliveryStatus(StrEnum):
    """The delivery status that a provider reports."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    """It was not delivered, and the provider does not try again."""
    BOUNCED = "bounced"
    """The address or number does not accept it."""


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message claimed by this worker.

    `was_abandoned`: an earlier worker's claim expired. `is_first`: no worker claimed it before.
    """

    id: UUID
    was_abandoned: bool
    is_first: bool
    claimed_until: datetime


class DeliveryLog:
    """The rows of one channel, in the table of that name."""

    def __init__(self, table: str) -> None:
        self.table = table
        self._add_sql = f"""
INSERT INTO {table} (id, user_id, event_key, kind, state, staged_at)
VALUES (%s, %s, %s, %s, 'waiting', %s)
ON CONFLICT (user_id, event_key) DO NOTHING
"""  # noqa: S608 - the table's name is a constant
        self._lock_sql = f"""
SELECT id, state, attempts, claimed_until > %s FROM {table}
WHERE user_id = %s AND event_key = %s FOR UPDATE
"""  # noqa: S608 - the table's name is a constant
        self._claim_sql = f"""
UPDATE {table} SET state = 'sending', claimed_until = %s, attempts = attempts + 1,
    uncertain = uncertain + %s WHERE id = %s
"""  # noqa: S608 - the table's name is a constant
        self._claimed_sql = f"""
SELECT FROM {table} WHERE state = 'sending' AND claimed_until = %s AND id = %s FOR UPDATE
"""
        # Regardless of other workers' claims: an accepted message is sent.
        self._sent_sql = f"""
UPDATE {table} SET state = 'sent', sent_at = %s, claimed_until = NULL, last_error = NULL
WHERE id = %s
"""  # noqa: S608 - the table's name is a constant
        self._end_sql = f"""
UPDATE {table} SET state = %(state)s, last_error = %(error)s, claimed_until = NULL,
    uncertain = uncertain + %(uncertain)s
WHERE id = %(id)s AND state <> 'sent'
"""  # noqa: S608 - the table's name is a constant
        # A failure may be reported before or after `delivered`, and is final.
        self._delivery_sql = f"""
UPDATE {table} SET delivery = %(delivery)s, delivery_at = %(at)s
WHERE id = %(id)s AND delivery IS DISTINCT FROM %(delivery)s
    AND (delivery IS NULL OR delivery = 'delivered')
"""  # noqa: S608 - the table's name is a constant
        self._delete_sql = f"""
DELETE FROM {table} WHERE id = ANY (ARRAY(
    SELECT id FROM {table}
    WHERE staged_at < %s AND state NOT IN ('waiting', 'sending') LIMIT %s
))
"""  # noqa: S608 - the table's name is a constant

    def add(self, session: Session, user_id: UUID, event_key: str, kind: str) -> None:
        """Add the message of an event as waiting, unless it is there."""
        session.send(self._add_sql, (ids.new(), user_id, event_key, kind, clock.now()))

    def claim(
        self, session: Session, user_id: UUID, event_key: str, kind: str, *, duration: timedelta
    ) -> ClaimedMessage | None:
        """Return the message of an event, claimed for this worker; None when it is settled.

        Raises `JobClaimedElsewhere` while another worker's claim lasts.
        """
        now = clock.now()
        self.add(session, user_id, event_key, kind)
        row = session.row(self._lock_sql, (now, user_id, event_key))
        assert row is not None, "the row was added or existed"
        message_id, state, attempts, is_claimed = row
        if state == "sending" and is_claimed:
            raise JobClaimedElsewhere
        if state not in {"waiting", "sending"}:
            return None
        # An expired claim belongs to a worker that ended, perhaps after the provider accepted it.
        was_abandoned = state == "sending"
        session.send(self._claim_sql, (now + duration, int(was_abandoned), message_id))
        return ClaimedMessage(message_id, was_abandoned, attempts == 0, now + duration)

    def check_claim(self, session: Session, claim: ClaimedMessage) -> None:
        """Raise `JobClaimedElsewhere` if the claim expired and another worker took it over.

        Otherwise the row stays locked until this transaction ends.
        """
        row = session.row(self._claimed_sql, (claim.claimed_until, claim.id))
        if row is None:
            raise JobClaimedElsewhere

    def mark_sent(self, session: Session, message_id: UUID) -> None:
        """Record that the provider accepted the message: it is never sent again."""
        session.send(self._sent_sql, (clock.now(), message_id))

    def mark_waiting(
        self, session: Session, message_id: UUID, reason: str, *, uncertain: bool
    ) -> None:
        """Record that the message was not accepted, or that this is unknown (`uncertain`)."""
        self._end_attempt(session, message_id, "waiting", reason, int(uncertain))

    def mark_refused(self, session: Session, message_id: UUID, reason: str) -> None:
        """Record that the message will never be accepted."""
        self._end_attempt(session, message_id, "refused", reason)

    def mark_dropped(self, session: Session, message_id: UUID, reason: str) -> None:
        """Record that there is nothing to send, or no recipient."""
        self._end_attempt(session, message_id, "dropped", reason)

    def record_delivery(
        self, session: Session, message_id: UUID, delivery: DeliveryStatus, at: datetime
    ) -> None:
        """Record a reported delivery status. `delivered` does not replace a failure."""
        session.send(self._delivery_sql, {"delivery": delivery, "at": at, "id": message_id})

    def delete_old(self, session: Session) -> None:
        """Delete rows that were settled long ago, in batches."""
        session.send(self._delete_sql, (clock.now() - RETENTION, _DELETE_BATCH))

    def _end_attempt(
        self, session: Session, message_id: UUID, state: str, reason: str, uncertain: int = 0
    ) -> None:
        values = {"state": state, "error": reason, "uncertain": uncertain, "id": message_id}
        session.send(self._end_sql, values)
