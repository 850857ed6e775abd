"""Read fields of providers' JSON responses.

A response that lacks a required field leaves unknown what the provider did.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, TypeVar

from app.kit.errors import MalformedRequest
from app.kit.money import UNITS_MAX, Amount, Asset
from app.providers.errors import ProviderOutcomeUnknown

_DECIMAL = re.compile(r"[0-9]{0,30}\.?[0-9]{1,30}", re.ASCII)

JsonObject = Mapping[str, Any]
T = TypeVar("T")


def parse_body(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; decimal numbers are exact. Raises `MalformedRequest`."""
    try:
        payload = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise MalformedRequest from None
    if not isinstance(payload, dict):
        raise MalformedRequest
    return payload


def required_text(payload: JsonObject, name: str) -> str:
    """Return a text field that is not empty. Raises `ProviderOutcomeUnknown`."""
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderOutcomeUnknown(f"The response has no {name}.")
    return value


def required_member(payload: JsonObject, name: str, members: Mapping[str, T]) -> T:
    """Return what a text field stands for. Raises `ProviderOutcomeUnknown` if it is none of the
    texts that we know."""
    member = members.get(required_text(payload, name))
    if member is None:
        raise ProviderOutcomeUnknown(f"The response has a {name} that we do not know.")
    return member


def optional_text(payload: JsonObject, name: str) -> str:
    """Return a text field, or an empty text if there is none."""
    value = payload.get(name)
    return value if isinstance(value, str) else ""


def required_object(payload: JsonObject, name: str) -> dict[str, Any]:
    """Return an object field. Raises `ProviderOutcomeUnknown`."""
    value = payload.get(name)
    if not isinstance(value, dict):
        raise ProviderOutcomeUnknown(f"The response has no {name}.")
    return value


def required_objects(payload: JsonObject, name: str) -> list[dict[str, Any]]:
    """Return a field that is a list of objects. Raises `ProviderOutcomeUnknown`."""
    values = payload.get(name)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ProviderOutcomeUnknown(f"The response has no list of {name}.")
    return values


def required_amount(payload: JsonObject, name: str, asset: Asset) -> Amount:
    """Return a decimal text field as an amount of the asset. Raises `ProviderOutcomeUnknown`.

    A network may count in smaller units than we do: the remainder is cut off.
    """
    text = required_text(payload, name)
    if not _DECIMAL.fullmatch(text):
        raise ProviderOutcomeUnknown(f"{name} is not an amount.")
    units = int((Decimal(text) * asset.unit).to_integral_value(ROUND_DOWN))
    if units > UNITS_MAX:
        raise ProviderOutcomeUnknown(f"{name} is larger than the largest amount.")
    return Amount(asset, units)


def required_instant(payload: JsonObject, name: str) -> datetime:
    """Return an RFC 3339 field as an instant. Raises `ProviderOutcomeUnknown`."""
    text = required_text(payload, name)
    try:
        # Some providers write nanoseconds; datetime holds microseconds.
        instant = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        raise ProviderOutcomeUnknown(f"{name} is not an RFC 3339 time.") from None
    if instant.tzinfo is None:
        raise ProviderOutcomeUnknown(f"{name} has no time zone.")
    return instant
