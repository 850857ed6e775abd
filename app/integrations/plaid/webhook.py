"""Webhooks of Plaid: a signed token in a header holds the body's hash and the time of sending.

The signing key is fetched from Plaid by the ID in the token and kept for a day. A webhook names
what changed, not how.
"""

import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.integrations.plaid.client import PlaidClient
from app.integrations.webhook_lookups import WebhookLookups
from app.kit import clock
from app.kit.errors import MalformedRequest
from app.kyc.submission.ports import VerificationChanged
from app.providers.errors import (
    ProviderRefused,
    WebhookSignatureInvalid,
)
from app.providers.ports import ProviderEvent, WebhookDelivery

HEADER = "plaid-verification"
#: Older webhooks may be replayed by a third party.
AGE_MAX = timedelta(minutes=5)
#: Largest accepted difference between the clocks.
_CLOCK_SKEW_MAX = timedelta(minutes=1)
_KEY_LIFETIME = timedelta(days=1)
_KEYS_MAX = 100
_KEY_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_ALGORITHM = "ES256"
_KINDS = frozenset({"IDENTITY_VERIFICATION"})


@dataclass(frozen=True, slots=True)
class _CachedKey:
    """A key of Plaid, used until `until`."""

    key: ECKey
    until: datetime


class PlaidWebhookVerifier:
    """Verifies Plaid's signatures. Caches the keys in this process."""

    def __init__(self, client: PlaidClient, lookups: WebhookLookups) -> None:
        self._client, self._lookups = client, lookups
        self._keys: dict[str, _CachedKey] = {}

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """Return what changed, if it is an identity verification in our environment.

        Raises `WebhookSignatureInvalid`, `MalformedRequest` for a signed body that is not Plaid's,
        and `WebhookVerificationUnavailable` if the key cannot be fetched.
        """
        token = delivery.headers.get(HEADER, "")
        claims = self._claims(token)
        _check(claims, delivery.body)
        payload = _document(delivery.body)
        kind, subject = payload.get("webhook_type"), payload.get("identity_verification_id")
        is_our_environment = payload.get("environment") == self._client.account.environment
        if kind not in _KINDS or not is_our_environment or not isinstance(subject, str):
            return []
        # Plaid's events have no ID, and the same content is sent again when something else has
        # changed. So each webhook is its own event: it makes us ask once more, nothing else.
        identifier = sha256(token.encode()).hexdigest()
        code = str(payload.get("webhook_code"))[:40]
        return [ProviderEvent(identifier, f"{kind}.{code}".lower(), subject, VerificationChanged)]

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jws.extract_compact(token.encode()).headers()
            key_id = str(header.get("kid"))
            if header.get("alg") != _ALGORITHM or not _KEY_ID.fullmatch(key_id):
                raise WebhookSignatureInvalid
            return jwt.decode(token, self._key(key_id), algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError):
            raise WebhookSignatureInvalid from None

    def _key(self, key_id: str) -> ECKey:
        cached = self._keys.get(key_id)
        if cached is None or cached.until <= clock.now():
            key = self._lookups.find(key_id, lambda: self._fetch_key(key_id))
            cached = _CachedKey(key, clock.now() + _KEY_LIFETIME)
            while len(self._keys) >= _KEYS_MAX:
                self._keys.pop(next(iter(self._keys)), None)
            self._keys[key_id] = cached
        return cached.key

    def _fetch_key(self, key_id: str) -> ECKey | None:
        """Return the key; None if Plaid does not know it, or no longer uses it."""
        try:
            key = self._client.get_webhook_key(key_id).get("key")
        except ProviderRefused:
            return None
        if not isinstance(key, dict) or key.get("expired_at"):
            return None
        parameters: dict[str, str | list[str]] = {
            name: str(key.get(name)) for name in ("kty", "crv", "x", "y")
        }
        return ECKey.import_key(parameters)


def _check(claims: dict[str, Any], body: bytes) -> None:
    """Raise `WebhookSignatureInvalid` unless the token was made for this body, now."""
    sent_at, body_hash = claims.get("iat"), claims.get("request_body_sha256")
    if not isinstance(sent_at, int) or isinstance(sent_at, bool) or not isinstance(body_hash, str):
        raise WebhookSignatureInvalid
    age = clock.now().timestamp() - sent_at
    if not -_CLOCK_SKEW_MAX.total_seconds() <= age <= AGE_MAX.total_seconds():
        raise WebhookSignatureInvalid
    if not hmac.compare_digest(sha256(body).hexdigest().encode(), body_hash.encode()):
        raise WebhookSignatureInvalid


def _document(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedRequest("The body is not JSON.") from None
    if not isinstance(payload, dict):
        raise MalformedRequest("The body is not a JSON object.")
    return payload
