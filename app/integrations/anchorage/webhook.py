"""Webhooks of Anchorage, signed with a key that its API returns."""

import re
import threading
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.custody.ports import TransferChanged
from app.integrations import response_parsing
from app.integrations.anchorage.adapter import AnchorageCustodian
from app.integrations.webhook_lookups import WebhookLookups
from app.kit import clock
from app.providers.errors import WebhookSignatureInvalid, WebhookVerificationUnavailable
from app.providers.ports import ProviderEvent, WebhookDelivery

#: Largest difference between the two clocks and the age of a webhook.
_AGE_SECONDS_MAX = 300
#: A changed key is fetched again, but not more often than this, however many forgeries come in.
_KEY_REFRESH_SECONDS_MIN = 60.0
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class AnchorageWebhookVerifier:
    """A `WebhookVerifier` by Ed25519."""

    def __init__(self, custodian: AnchorageCustodian, lookups: WebhookLookups) -> None:
        self._custodian, self._lookups = custodian, lookups
        self._lock = threading.Lock()
        self._key: Ed25519PublicKey | None = None
        self._key_fetched_at = 0.0

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return the event if it is about a transaction or a transfer."""
        seconds = delivery.headers.get("api-timestamp", "")
        if not _SECONDS.fullmatch(seconds):
            raise WebhookSignatureInvalid
        if abs(clock.now().timestamp() - int(seconds)) > _AGE_SECONDS_MAX:
            raise WebhookSignatureInvalid
        try:
            signature = bytes.fromhex(delivery.headers.get("api-signature", ""))
        except ValueError:
            raise WebhookSignatureInvalid from None
        if not self._is_signed(signature, seconds.encode() + delivery.body):
            raise WebhookSignatureInvalid
        payload = response_parsing.parse_body(delivery.body)
        kind, identifier = payload.get("type"), payload.get("id")
        data = payload.get("data")
        if not isinstance(kind, str) or not isinstance(identifier, str):
            return []
        subject = data.get("id") if isinstance(data, dict) else None
        return (
            [ProviderEvent(identifier, kind, subject, TransferChanged)]
            if isinstance(subject, str)
            else []
        )

    def _is_signed(self, signature: bytes, signed: bytes) -> bool:
        key = self._key
        if key is not None and _has_signed(key, signature, signed):
            return True
        return self._may_fetch_key() and _has_signed(self._fetch_key(), signature, signed)

    def _may_fetch_key(self) -> bool:
        """Return True without a key, and for one call every `_KEY_REFRESH_SECONDS_MIN` with one."""
        with self._lock:
            now = time.monotonic()
            if self._key is not None and now - self._key_fetched_at < _KEY_REFRESH_SECONDS_MIN:
                return False
            self._key_fetched_at = now
            return True

    def _fetch_key(self) -> Ed25519PublicKey:
        encoded = self._lookups.find("webhook key", self._custodian.fetch_webhook_key)
        try:
            self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(encoded))
        except ValueError as error:
            raise WebhookVerificationUnavailable from error
        return self._key


def _has_signed(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
