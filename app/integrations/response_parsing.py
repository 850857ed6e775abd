"""Reading what providers answer: what is not as it should be leaves unknown what they did."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from app.kit.errors import MalformedRequest
from app.kit.money import UNITS_MAX, Amount, Asset
from app.providers.errors import ProviderOutcomeUnknown

_DECIMAL = re.compile(r"[0-9]{0,30}\.?[0-9]{1,30}", re.ASCII)

JsonObject = Mapping[str, Any]


def parse_body(body: bytes) -> dict[str, Any]:
    """The document of a webhook, its numbers exact. Raises `MalformedRequest`."""
    try:
        document = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise MalformedRequest from None
    if not isinstance(document, dict):
        raise MalformedRequest
    return document


def required_text(document: JsonObject, name: str) -> str:
    """The text of that name. Raises `ProviderOutcomeUnknown` unless there is one that is not
    empty."""
    found = document.get(name)
    if not isinstance(found, str) or not found:
        raise ProviderOutcomeUnknown(f"the answer has no {name}")
    return found


def optional_text(document: JsonObject, name: str) -> str:
    """The text of that name; empty where there is none."""
    found = document.get(name)
    return found if isinstance(found, str) else ""


def required_object(document: JsonObject, name: str) -> dict[str, Any]:
    """The object of that name. Raises `ProviderOutcomeUnknown`."""
    found = document.get(name)
    if not isinstance(found, dict):
        raise ProviderOutcomeUnknown(f"the answer has no {name}")
    return found


def required_objects(document: JsonObject, name: str) -> list[dict[str, Any]]:
    """The list of objects of that name. Raises `ProviderOutcomeUnknown`."""
    found = document.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ProviderOutcomeUnknown(f"the answer has no list of {name}")
    return found


def required_amount(document: JsonObject, name: str, asset: Asset) -> Amount:
    """The decimal text of that name as an amount of the asset; a network may count finer than we
    do, and what is below our smallest unit is left out. Raises `ProviderOutcomeUnknown`."""
    found = required_text(document, name)
    if not _DECIMAL.fullmatch(found):
        raise ProviderOutcomeUnknown(f"{name} is no amount")
    units = int((Decimal(found) * asset.unit).to_integral_value(ROUND_DOWN))
    if units > UNITS_MAX:
        raise ProviderOutcomeUnknown(f"{name} is larger than any amount")
    return Amount(asset, units)


def required_instant(document: JsonObject, name: str) -> datetime:
    """The moment of that name, as RFC 3339 writes it. Raises `ProviderOutcomeUnknown`."""
    found = required_text(document, name)
    try:
        # Nanoseconds, as some write them, are more than we can hold.
        read = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", found))
    except ValueError:
        raise ProviderOutcomeUnknown(f"{name} is no moment") from None
    if read.tzinfo is None:
        raise ProviderOutcomeUnknown(f"{name} has no zone")
    return read
