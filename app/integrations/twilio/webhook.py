"""How Twilio signs its callbacks: HMAC-SHA1 over the address and the sorted parameters.

A signature has no age, so an old callback can be sent again: it makes us ask once more, and nothing
else.
"""

import hmac
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

from app.integrations.twilio.client import TwilioAccount
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, WebhookDelivery

_SIGNATURE = "x-twilio-signature"
_SETTLED = frozenset({"delivered", "read", "undelivered", "failed", "canceled"})


class TwilioWebhookVerifier:
    """Knows the callbacks of one account."""

    def __init__(self, account: TwilioAccount, *, callback_url: str) -> None:
        self._validator = RequestValidator(account.token)
        self._sid = account.sid
        self._callback_url = callback_url

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """As the port says. The address is the one that we gave to Twilio, or the one at which the
        callback came in: a proxy may show another."""
        try:
            pairs = parse_qsl(delivery.body.decode(), keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise WebhookSignatureInvalid from None
        told = dict(pairs)
        signature = delivery.headers.get(_SIGNATURE, "")
        addresses = {self._callback_url, delivery.url}
        if len(told) != len(pairs) or not any(
            hmac.compare_digest(
                self._validator.compute_signature(address, told).encode(), signature.encode()
            )
            for address in addresses
        ):
            raise WebhookSignatureInvalid
        sid, status = told.get("MessageSid"), told.get("MessageStatus")
        if told.get("AccountSid") != self._sid or sid is None or status not in _SETTLED:
            return []
        return [ProviderEvent(f"{sid}:{status}", status, sid, "messages.check_text")]
