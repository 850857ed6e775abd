"""Callback URLs for Daraja: one for each request, with an HMAC that only we can make."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from app.funding.ports import PaymentChanged, PayoutChanged
from app.kit.errors import MalformedRequest
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, ProviderFact, WebhookDelivery

NAME = "daraja"
PAYMENT, PAYOUT, STATUS = "payment", "payout", "status"
_FACTS: Mapping[str, type[ProviderFact]] = {
    PAYMENT: PaymentChanged,
    PAYOUT: PayoutChanged,
    STATUS: PayoutChanged,
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
        event is our reference.
        """
        subject = self._subject(delivery.url)
        try:
            identifier, code = _result(subject.kind, json.loads(delivery.body))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise MalformedRequest("A callback must have a result.") from error
        if subject.kind == PAYMENT:
            event_subject = f"{identifier}.{subject.reference}.{subject.detail}"
            event_id = f"{PAYMENT}.{identifier}.{code}"
        else:
            event_subject, event_id = subject.reference, str(subject)
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


def _result(kind: str, payload: Any) -> tuple[str, str]:
    """Return the ID and the result code."""
    if kind == PAYMENT:
        callback = payload["Body"]["stkCallback"]
        return str(callback["CheckoutRequestID"]), str(callback["ResultCode"])
    result = payload["Result"]
    return str(result["ConversationID"]), str(result["ResultCode"])
