"""Plaid's webhooks: a token in a header says, signed, what the body's hash is and when it was sent.

The key that signed is fetched from Plaid by the id that the token names, and kept for a day. A
webhook names what changed, and not how: whoever is told asks.
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
from app.kit import clock
from app.kit.errors import MalformedRequest, NotFinished
from app.providers.errors import (
    ProviderRefused,
    WebhookSignatureInvalid,
    WebhookVerificationUnavailable,
)
from app.providers.ports import ProviderEvent, WebhookDelivery

HEADER = "plaid-verification"
#: Older ones are taken for repeated by somebody else.
AGE_MAX = timedelta(minutes=5)
#: Clocks differ so much at most.
_AHEAD_MAX = timedelta(minutes=1)
_KEY_KEPT = timedelta(days=1)
#: So long a key id that Plaid does not know is not asked about again.
_UNKNOWN_KEPT = timedelta(minutes=1)
_KEYS_MAX = 100
_KEY_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_ALGORITHM = "ES256"
_KINDS = frozenset({"IDENTITY_VERIFICATION"})


@dataclass(frozen=True, slots=True)
class _Known:
    """A key as Plaid answered it, None for one that it does not know; good until then."""

    key: ECKey | None
    until: datetime


class PlaidWebhookVerifier:
    """Knows how Plaid signs. Keeps the keys that it has met, in this process."""

    def __init__(self, client: PlaidClient) -> None:
        self._client = client
        self._keys: dict[str, _Known] = {}

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        """What changed, if it is an identity verification in our environment.

        Raises `WebhookSignatureInvalid`, `MalformedRequest` for a signed body that is none of
        Plaid's, and `ProviderUnavailable` where the key cannot be fetched.
        """
        token = delivery.headers.get(HEADER, "")
        claims = self._claims(token)
        _check(claims, delivery.body)
        document = _document(delivery.body)
        kind, subject = document.get("webhook_type"), document.get("identity_verification_id")
        ours = document.get("environment") == self._client.account.environment
        if kind not in _KINDS or not ours or not isinstance(subject, str):
            return []
        # Plaid gives events no id, and says the same again when something else has changed. So each
        # sending is an event of its own: it makes us ask once more, and no more than that.
        identifier = sha256(token.encode()).hexdigest()
        code = str(document.get("webhook_code"))[:40]
        return [ProviderEvent(identifier, f"{kind}.{code}".lower(), subject, "kyc.read_webhook")]

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
        known = self._keys.get(key_id)
        if known is None or known.until <= clock.now():
            known = self._fetched(key_id)
            while len(self._keys) >= _KEYS_MAX:
                self._keys.pop(next(iter(self._keys)), None)
            self._keys[key_id] = known
        if known.key is None:
            raise WebhookSignatureInvalid
        return known.key

    def _fetched(self, key_id: str) -> _Known:
        try:
            found = self._client.get_webhook_key(key_id).get("key")
        except ProviderRefused:
            return _Known(None, clock.now() + _UNKNOWN_KEPT)
        except NotFinished as error:
            raise WebhookVerificationUnavailable from error
        if not isinstance(found, dict) or found.get("expired_at"):
            return _Known(None, clock.now() + _UNKNOWN_KEPT)
        wanted: dict[str, str | list[str]] = {
            name: str(found.get(name)) for name in ("kty", "crv", "x", "y")
        }
        return _Known(ECKey.import_key(wanted), clock.now() + _KEY_KEPT)


def _check(claims: dict[str, Any], body: bytes) -> None:
    """Raises `WebhookSignatureInvalid` unless the token was made for this body, now."""
    sent_at, told = claims.get("iat"), claims.get("request_body_sha256")
    if not isinstance(sent_at, int) or isinstance(sent_at, bool) or not isinstance(told, str):
        raise WebhookSignatureInvalid
    age = clock.now().timestamp() - sent_at
    if not -_AHEAD_MAX.total_seconds() <= age <= AGE_MAX.total_seconds():
        raise WebhookSignatureInvalid
    if not hmac.compare_digest(sha256(body).hexdigest().encode(), told.encode()):
        raise WebhookSignatureInvalid


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedRequest("the body is not JSON") from None
    if not isinstance(document, dict):
        raise MalformedRequest("the body is not a JSON object")
    return document
