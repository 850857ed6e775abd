"""Twilio's signatures of callbacks: HMAC-SHA1 over the URL and the sorted parameters.

A signature does not expire, so an old callback can be sent again: it only makes us ask once more.
"""

import hmac
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator

from app.integrations.twilio.client import TwilioAccount
from app.messages.ports import SmsDeliveryChanged
from app.providers.errors import WebhookSignatureInvalid
from app.providers.ports import ProviderEvent, WebhookDelivery

_SIGNATURE = "x-twilio-signature"
_FINAL_STATUSES = frozenset({"delivered", "read", "undelivered", "failed", "canceled"})


class TwilioWebhookVerifier:
    """Verifies the callbacks of one account."""

    def __init__(self, account: TwilioAccount, *, callback_url: str) -> None:
        self._validator = RequestValidator(account.token)
        self._sid = account.sid
        self._callback_url = callback_url

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the event of a final status.

        The signed URL is the one that we gave to Twilio or the one that received the callback:
        behind a proxy they differ.
        """
        try:
            pairs = parse_qsl(delivery.body.decode(), keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise WebhookSignatureInvalid from None
        parameters = dict(pairs)
        signature = delivery.headers.get(_SIGNATURE, "")
        urls = {self._callback_url, delivery.url}
        if len(parameters) != len(pairs) or not any(
            hmac.compare_digest(
                self._validator.compute_signature(url, parameters).encode(), signature.encode()
            )
            for url in urls
        ):
            raise WebhookSignatureInvalid
        sid, status = parameters.get("MessageSid"), parameters.get("MessageStatus")
        if (
            parameters.get("AccountSid") != self._sid
            or sid is None
            or status not in _FINAL_STATUSES
        ):
            return []
        return [ProviderEvent(f"{sid}:{status}", status, sid, SmsDeliveryChanged)]
