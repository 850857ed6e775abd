"""What was sent by one channel: at most once for an event and a person, whoever tries.

A row for each. It is claimed by one worker in a transaction, the call to whoever carries it
follows with nothing locked, and another transaction records what became of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kit.tasks import JobClaimedElsewhere

#: Longer than a call may take; whoever has not come back by then has ended.
CLAIM_DURATION = timedelta(minutes=1)
#: What became of a message can be looked up for so long.
RETENTION = timedelta(days=90)
_FORGET_BATCH = 10_000


class DeliveryStatus(StrEnum):
    """What whoever carried it says of its arrival."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    """It did not arrive, and nobody tries again."""
    BOUNCED = "bounced"
    """Its address does not take it."""


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message in this worker's hands. `broken_off`: another had it and did not come back."""

    id: UUID
    was_abandoned: bool
    claimed_until: datetime


class DeliveryLog:
    """The rows of one channel, in the table of that name."""

    def __init__(self, table: str) -> None:
        self._add = f"""
INSERT INTO {table} (id, user_id, event_key, kind, state, staged_at)
VALUES (%s, %s, %s, %s, 'waiting', %s)
ON CONFLICT (user_id, event_key) DO NOTHING
"""  # noqa: S608 - the table's name is ours, here and below
        self._lock = f"""
SELECT id, state, claimed_until > %s FROM {table}
WHERE user_id = %s AND event_key = %s FOR UPDATE
"""  # noqa: S608
        self._claim = f"""
UPDATE {table} SET state = 'sending', claimed_until = %s, attempts = attempts + 1,
    uncertain = uncertain + %s WHERE id = %s
"""  # noqa: S608
        self._held = f"""
SELECT FROM {table} WHERE state = 'sending' AND claimed_until = %s AND id = %s FOR UPDATE
"""
        # Whatever others believe meanwhile: what was taken is sent.
        self._sent = f"""
UPDATE {table} SET state = 'sent', sent_at = %s, claimed_until = NULL, last_error = NULL
WHERE id = %s
"""  # noqa: S608
        self._end = f"""
UPDATE {table} SET state = %(state)s, last_error = %(error)s, claimed_until = NULL,
    uncertain = uncertain + %(uncertain)s
WHERE id = %(id)s AND state <> 'sent'
"""  # noqa: S608
        # What did not arrive may be said before or after that it was handed on, and stays.
        self._arrived = f"""
UPDATE {table} SET delivery = %(delivery)s, delivery_at = %(at)s
WHERE id = %(id)s AND delivery IS DISTINCT FROM %(delivery)s
    AND (delivery IS NULL OR delivery = 'delivered')
"""  # noqa: S608
        self._forget = f"""
DELETE FROM {table} WHERE id = ANY (ARRAY(
    SELECT id FROM {table}
    WHERE staged_at < %s AND state IN ('sent', 'refused', 'dropped') LIMIT %s
))
"""  # noqa: S608

    def claim(
        self, session: Session, user_id: UUID, event_key: str, kind: str, *, duration: timedelta
    ) -> ClaimedMessage | None:
        """The message of this event, for so long this worker's; None when it is settled.

        Raises `JobClaimedElsewhere` while another worker's claim lasts.
        """
        now = clock.now()
        session.send(self._add, (ids.new(), user_id, event_key, kind, now))
        row = session.row(self._lock, (now, user_id, event_key))
        assert row is not None, "the row was added, or was there"
        identifier, state, is_held = row
        if state == "sending" and is_held:
            raise JobClaimedElsewhere
        if state not in {"waiting", "sending"}:
            return None
        # A claim that ran out is of a worker that ended, perhaps after the message was taken.
        broken_off = state == "sending"
        session.send(self._claim, (now + duration, int(broken_off), identifier))
        return ClaimedMessage(identifier, broken_off, now + duration)

    def check_claim(self, session: Session, claimed: ClaimedMessage) -> None:
        """Raises `JobClaimedElsewhere` if the claim ran out, and somebody else has taken it over;
        if not, nobody does before this transaction ends."""
        row = session.row(self._held, (claimed.claimed_until, claimed.id))
        if row is None:
            raise JobClaimedElsewhere

    def mark_sent(self, session: Session, identifier: UUID) -> None:
        """It was taken: it is never sent again."""
        session.send(self._sent, (clock.now(), identifier))

    def mark_waiting(
        self, session: Session, identifier: UUID, reason: str, *, uncertain: bool
    ) -> None:
        """It was not taken this time, or nobody knows."""
        self._ended(session, identifier, "waiting", reason, int(uncertain))

    def mark_refused(self, session: Session, identifier: UUID, reason: str) -> None:
        """It will never be taken."""
        self._ended(session, identifier, "refused", reason)

    def mark_dropped(self, session: Session, identifier: UUID, reason: str) -> None:
        """There is nothing to send, or nobody to send it to."""
        self._ended(session, identifier, "dropped", reason)

    def record_delivery(
        self, session: Session, identifier: UUID, delivery: DeliveryStatus, at: datetime
    ) -> None:
        """Whoever carried it says what became of it. That it arrived is said no more once it is
        known that it did not."""
        session.send(self._arrived, {"delivery": delivery, "at": at, "id": identifier})

    def delete_old(self, session: Session) -> None:
        """Delete what was settled long ago, a batch at a time."""
        session.send(self._forget, (clock.now() - RETENTION, _FORGET_BATCH))

    def _ended(
        self, session: Session, identifier: UUID, state: str, reason: str, uncertain: int = 0
    ) -> None:
        values = {"state": state, "error": reason, "uncertain": uncertain, "id": identifier}
        session.send(self._end, values)
