"""The addresses that Daraja calls back: one for each thing, which nobody else can know."""

import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from app.kit.errors import MalformedRequest
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, WebhookDelivery

NAME = "daraja"
PAYMENT, PAYOUT, STATUS = "payment", "payout", "status"
_TASKS = {
    PAYMENT: "funding.payment_changed",
    PAYOUT: "funding.payout_changed",
    STATUS: "funding.payout_changed",
}


@dataclass(frozen=True, slots=True)
class CallbackSubject:
    """What a call back is about: `detail` is ours and comes back unchanged."""

    kind: str
    reference: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.reference}.{self.detail}"


class DarajaCallbacks:
    """Makes addresses and knows them again. `base_url` is where Daraja reaches this exchange."""

    def __init__(self, base_url: str, secret: str) -> None:
        self._base_url = base_url
        self._key = hmac.digest(secret.encode(), b"daraja call back", "sha256")

    def url_for(self, subject: CallbackSubject) -> str:
        """Where to call about that."""
        query = urlencode({"about": str(subject), "key": self._mac(str(subject))})
        return f"{self._base_url}/webhooks/{NAME}?{query}"

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """The event in a call to an address of ours. The subject of a payment is its id at Daraja
        with our detail, that of a payout our reference."""
        about = self._about(delivery.url)
        try:
            identifier, code = _result(about.kind, json.loads(delivery.body))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise MalformedRequest("a call back has a result") from error
        if about.kind == PAYMENT:
            subject = f"{identifier}.{about.reference}.{about.detail}"
            event_id = f"{PAYMENT}.{identifier}.{code}"
        else:
            subject, event_id = about.reference, str(about)
        return [ProviderEvent(event_id, about.kind, subject, _TASKS[about.kind])]

    def _about(self, url: str) -> CallbackSubject:
        query = parse_qs(urlsplit(url).query)
        text, key = (query.get(name, [""])[0] for name in ("about", "key"))
        if not hmac.compare_digest(self._mac(text).encode(), key.encode()):
            raise WebhookSignatureInvalid("that address was not given to the provider")
        kind, reference, detail = text.split(".", 2)
        return CallbackSubject(kind, reference, detail)

    def _mac(self, about: str) -> str:
        return hmac.digest(self._key, about.encode(), "sha256").hex()


def _result(kind: str, document: Any) -> tuple[str, str]:
    """Which, and how it ended."""
    if kind == PAYMENT:
        called = document["Body"]["stkCallback"]
        return str(called["CheckoutRequestID"]), str(called["ResultCode"])
    result = document["Result"]
    return str(result["ConversationID"]), str(result["ResultCode"])
