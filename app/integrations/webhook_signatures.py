"""Timed webhook signatures `t=<seconds>,v1=<hex>`, as Stripe makes them.

The signature is an HMAC over the time and the raw body.
"""

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
    """The content of a signed body. Parse it only after its signature is verified."""

    id: str
    kind: str
    data: Mapping[str, Any]


def verify_timed_signature(header: str, body: bytes, secrets: Sequence[str]) -> None:
    """Raise `WebhookSignatureInvalid` unless one of `secrets` signed exactly this body now.

    Now is within five minutes. A header may carry several `v1`, and there may be several secrets,
    while one replaces another.
    """
    parts = [part.strip().partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in parts if name == "t"]
    signatures = [value for name, value in parts if name == "v1"]
    if len(times) != 1 or not _is_timestamp(times[0]):
        raise WebhookSignatureInvalid("The signature has no time.")
    if abs(clock.now().timestamp() - int(times[0])) > TOLERANCE_SECONDS:
        raise WebhookSignatureInvalid("The signature is too old or too new.")
    signed = f"{times[0]}.".encode() + body
    expected_signatures = [
        hmac.digest(secret.encode(), signed, "sha256").hex() for secret in secrets
    ]
    # `compare_digest` takes text only if it is ASCII.
    matches = [
        hmac.compare_digest(signature.encode(), expected.encode())
        for signature in signatures
        for expected in expected_signatures
    ]
    if not any(matches):
        raise WebhookSignatureInvalid


def parse_signed_event(body: bytes) -> SignedEvent:
    """Return the {id, type, data} of a body. Raises `MalformedRequest`."""
    try:
        event: Any = json.loads(body)
        identifier, kind, data = event["id"], event["type"], event["data"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise MalformedRequest("An event must have an id, a type and data.") from error
    if not (isinstance(identifier, str) and isinstance(kind, str) and isinstance(data, dict)):
        raise MalformedRequest("An event must have an id, a type and data.")
    return SignedEvent(identifier, kind, data)


def _is_timestamp(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
