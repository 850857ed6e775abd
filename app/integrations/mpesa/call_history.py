"""The stored history of our calls to Daraja and its callbacks.

Daraja itself reports little, and only once.
"""

from dataclasses import dataclass
from datetime import datetime

from app.integrations.mpesa.callbacks import NAME, PAYOUT, STATUS
from app.kit.db import Database
from app.providers import queries as providers_queries
from app.providers.queries import StoredEvent

OPEN_PAYMENT, SEND_PAYOUT, QUERY_PAYOUT = "payments.open", "payouts.send", "payouts.ask"


@dataclass(frozen=True, slots=True)
class PayoutHistory:
    """The history of a payout: its results and status replies, and when we last sent and queried
    it."""

    results: list[StoredEvent]
    status_replies: list[StoredEvent]
    sent_at: datetime | None
    queried_at: datetime | None


class CallHistory:
    """Reads our recorded calls and Daraja's callbacks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def payout_history(self, reference: str) -> PayoutHistory:
        """Return what is stored about one payout, oldest first."""
        with self._database.reading() as session:
            events = providers_queries.events_about(session, NAME, reference)
            sent_at, asked_at = (
                providers_queries.last_called_at(session, NAME, operation, reference)
                for operation in (SEND_PAYOUT, QUERY_PAYOUT)
            )
        return PayoutHistory(
            [event for event in events if event.kind == PAYOUT],
            [event for event in events if event.kind == STATUS],
            sent_at,
            asked_at,
        )

    def payout_results(self, since: datetime) -> list[StoredEvent]:
        """Return every payout result received since an instant."""
        with self._database.reading() as session:
            return providers_queries.events_since(session, NAME, PAYOUT, since)

    def requested_payments(self, since: datetime) -> frozenset[str]:
        """Return the references of the payments requested since an instant."""
        with self._database.reading() as session:
            return providers_queries.references_called_since(session, NAME, OPEN_PAYMENT, since)
