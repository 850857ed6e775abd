"""Callbacks of Daraja: their URLs, one for each request, and the history of what came.

Each URL has an HMAC that only we can make. Daraja itself reports little, and only once.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from app.funding.ports import PaymentChanged, PayoutChanged
from app.integrations.mpesa.exchange_rate import AgreedTerms
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.providers import queries as providers_queries
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, ProviderFact, WebhookDelivery
from app.providers.queries import StoredEvent

NAME = "daraja"
PAYMENT, PAYOUT, STATUS, TIMEOUT = "payment", "payout", "status", "timeout"
#: The operations of our calls whose history counts.
OPEN_PAYMENT, SEND_PAYOUT, QUERY_PAYOUT = "payments.open", "payouts.send", "payouts.ask"
_FACTS: Mapping[str, type[ProviderFact]] = {
    PAYMENT: PaymentChanged,
    PAYOUT: PayoutChanged,
    STATUS: PayoutChanged,
    # Nothing is known then: the payout is checked.
    TIMEOUT: PayoutChanged,
}


@dataclass(frozen=True, slots=True)
class CallbackSubject:
    """What a callback is about. Daraja returns our `detail` unchanged."""

    kind: str
    reference: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.reference}.{self.detail}"


class DarajaCallbacks:
    """Makes callback URLs and verifies calls to them. `base_url` is where Daraja reaches us."""

    def __init__(self, base_url: str, secret: str) -> None:
        self._base_url = base_url
        self._key = hmac.digest(secret.encode(), b"daraja call back", "sha256")

    def url_for(self, subject: CallbackSubject) -> str:
        """Return the callback URL for a subject."""
        query = urlencode({"about": str(subject), "key": self._mac(str(subject))})
        return f"{self._base_url}/webhooks/{NAME}?{query}"

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the event of a call to one of our callback URLs.

        The subject of a payment's event is its ID at Daraja with our detail; that of a payout's
        event is our reference. An event's ID ends with a digest of its content: Daraja may call the
        same URL again with another result.
        """
        subject = self._subject(delivery.url)
        digest = hashlib.sha256(delivery.body).hexdigest()[:16]
        try:
            identifier, code = _result(subject.kind, json.loads(delivery.body))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise MalformedRequest("A callback must have a result.") from error
        if subject.kind == PAYMENT:
            event_subject = f"{identifier}.{subject.reference}.{subject.detail}"
            event_id = f"{PAYMENT}.{identifier}.{code}"
        else:
            event_subject, event_id = subject.reference, f"{subject}.{digest}"
        return [ProviderEvent(event_id, subject.kind, event_subject, _FACTS[subject.kind])]

    def _subject(self, url: str) -> CallbackSubject:
        query = parse_qs(urlsplit(url).query)
        text, key = (query.get(name, [""])[0] for name in ("about", "key"))
        if not hmac.compare_digest(self._mac(text).encode(), key.encode()):
            raise WebhookSignatureInvalid("The callback URL is not one of ours.")
        kind, reference, detail = text.split(".", 2)
        return CallbackSubject(kind, reference, detail)

    def _mac(self, subject: str) -> str:
        return hmac.digest(self._key, subject.encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class PayoutHistory:
    """The history of a payout: its results and status replies, when we last sent and queried it,
    and what was agreed when we sent it."""

    results: list[StoredEvent]
    status_replies: list[StoredEvent]
    sent_at: datetime | None
    queried_at: datetime | None
    terms: AgreedTerms | None


class CallHistory:
    """Reads our recorded calls and Daraja's callbacks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def payout_history(self, reference: str) -> PayoutHistory:
        """Return what is stored about one payout, oldest first."""
        with self._database.reading() as session:
            events = providers_queries.events_about(session, NAME, reference)
            sent, queried = (
                providers_queries.last_call(session, NAME, operation, reference)
                for operation in (SEND_PAYOUT, QUERY_PAYOUT)
            )
        return PayoutHistory(
            [event for event in events if event.kind == PAYOUT],
            [event for event in events if event.kind == STATUS],
            sent.began_at if sent else None,
            queried.began_at if queried else None,
            AgreedTerms.parse(sent.terms) if sent else None,
        )

    def payout_callbacks(self, kind: str, since: datetime) -> list[StoredEvent]:
        """Return every payout result, or every reply to a status query, since an instant."""
        with self._database.reading() as session:
            return providers_queries.events_since(session, NAME, kind, since)

    def agreed_terms(self, reference: str) -> AgreedTerms | None:
        """Return what was agreed when a payment was requested; None if that is not known."""
        with self._database.reading() as session:
            opened = providers_queries.last_call(session, NAME, OPEN_PAYMENT, reference)
        return AgreedTerms.parse(opened.terms) if opened else None

    def requested_payments(self, since: datetime) -> dict[str, AgreedTerms | None]:
        """Return what was agreed in the payments requested since an instant, by reference."""
        with self._database.reading() as session:
            called = providers_queries.terms_called_since(session, NAME, OPEN_PAYMENT, since)
        return {reference: AgreedTerms.parse(terms) for reference, terms in called.items()}


def _result(kind: str, payload: Any) -> tuple[str, str]:
    """Return the ID and the result code; none of a call that says only that we waited too long."""
    if kind == TIMEOUT:
        return "", ""
    if kind == PAYMENT:
        callback = payload["Body"]["stkCallback"]
        return str(callback["CheckoutRequestID"]), str(callback["ResultCode"])
    result = payload["Result"]
    return str(result["ConversationID"]), str(result["ResultCode"])
