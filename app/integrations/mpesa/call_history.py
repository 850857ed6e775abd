"""What we remember of what was said: Daraja itself tells little, and only once."""

from dataclasses import dataclass
from datetime import datetime

from app.integrations.mpesa.callbacks import NAME, PAYOUT, STATUS
from app.kit.db import Database
from app.providers import queries as providers_queries
from app.providers.queries import StoredEvent

OPEN_PAYMENT, SEND_PAYOUT, QUERY_PAYOUT = "payments.open", "payouts.send", "payouts.ask"


@dataclass(frozen=True, slots=True)
class PayoutHistory:
    """What Daraja told about a payout: how it ended, and what it answered when it was asked;
    and when we last asked it to pay, and what became of that."""

    results: list[StoredEvent]
    status_replies: list[StoredEvent]
    sent_at: datetime | None
    queried_at: datetime | None


class CallHistory:
    """Reads the notes of our calls and its call backs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def payout_history(self, reference: str) -> PayoutHistory:
        """All about one payout, oldest first."""
        with self._database.reading() as session:
            events = providers_queries.events_about(session, NAME, reference)
            sent_at, asked_at = (
                providers_queries.last_called_at(session, NAME, operation, reference)
                for operation in (SEND_PAYOUT, QUERY_PAYOUT)
            )
        return PayoutHistory(
            [each for each in events if each.kind == PAYOUT],
            [each for each in events if each.kind == STATUS],
            sent_at,
            asked_at,
        )

    def payout_results(self, since: datetime) -> list[StoredEvent]:
        """Every end of a payout since then."""
        with self._database.reading() as session:
            return providers_queries.events_since(session, NAME, PAYOUT, since)

    def requested_payments(self, since: datetime) -> frozenset[str]:
        """The references of the payments that we asked for since then."""
        with self._database.reading() as session:
            return providers_queries.references_called_since(session, NAME, OPEN_PAYMENT, since)
