"""`t=<seconds>,v1=<hex>`: an HMAC over the moment and the raw body, as Stripe signs webhooks."""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.kit import clock
from app.kit.errors import MalformedRequest
from app.providers.errors import WebhookSignatureInvalid

TOLERANCE_SECONDS = 300
_DIGITS_MAX = 12


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """What such a body says. Read only once its signature is checked."""

    id: str
    kind: str
    data: Mapping[str, Any]


def verify_timed_signature(header: str, body: bytes, secrets: Sequence[str]) -> None:
    """Raises `WebhookSignatureInvalid` unless one of `secrets` signed exactly this body within five
    minutes of now.

    A header may carry several `v1`, and there are several secrets, while one replaces another.
    """
    parts = [part.strip().partition("=")[::2] for part in header.split(",")]
    moments = [value for name, value in parts if name == "t"]
    signatures = [value for name, value in parts if name == "v1"]
    if len(moments) != 1 or not _is_moment(moments[0]):
        raise WebhookSignatureInvalid("the signature names no moment")
    if abs(clock.now().timestamp() - int(moments[0])) > TOLERANCE_SECONDS:
        raise WebhookSignatureInvalid("it was not signed now")
    signed = f"{moments[0]}.".encode() + body
    made = [hmac.digest(secret.encode(), signed, "sha256").hex() for secret in secrets]
    # `compare_digest` takes text only if it is ASCII.
    found = [
        hmac.compare_digest(signature.encode(), expected.encode())
        for signature in signatures
        for expected in made
    ]
    if not any(found):
        raise WebhookSignatureInvalid


def parse_signed_event(body: bytes) -> SignedEvent:
    """The {id, type, data} of a body. Raises `MalformedRequest`."""
    try:
        event: Any = json.loads(body)
        identifier, kind, data = event["id"], event["type"], event["data"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise MalformedRequest("an event has an id, a type and data") from error
    if not (isinstance(identifier, str) and isinstance(kind, str) and isinstance(data, dict)):
        raise MalformedRequest("an event has an id, a type and data")
    return SignedEvent(identifier, kind, data)


def _is_moment(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
