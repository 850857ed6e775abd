"""Read fields of providers' JSON responses.

A response that lacks a required field leaves unknown what the provider did.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, TypeVar

from app.integrations.transport import parsing_response
from app.kit.errors import MalformedRequest
from app.kit.money import UNITS_MAX, Amount, Asset
from app.providers.errors import ResponseUnreadable
from app.providers.ports import Listing, SetAsideRow

#: Longer raw rows are cut off.
_RAW_LENGTH_MAX = 20_000
_SHOWABLE = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)
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
    """Return a text field that is not empty. Raises `ResponseUnreadable`."""
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise ResponseUnreadable(f"The response has no {name}.")
    return value


def required_member(payload: JsonObject, name: str, members: Mapping[str, T]) -> T:
    """Return what a text field stands for. Raises `ResponseUnreadable` if it is none of the
    texts that we know."""
    member = members.get(required_text(payload, name))
    if member is None:
        raise ResponseUnreadable(f"The response has a {name} that we do not know.")
    return member


def optional_text(payload: JsonObject, name: str) -> str:
    """Return a text field, or an empty text if there is none."""
    value = payload.get(name)
    return value if isinstance(value, str) else ""


def required_object(payload: JsonObject, name: str) -> dict[str, Any]:
    """Return an object field. Raises `ResponseUnreadable`."""
    value = payload.get(name)
    if not isinstance(value, dict):
        raise ResponseUnreadable(f"The response has no {name}.")
    return value


def required_list(payload: JsonObject, name: str) -> list[object]:
    """Return a field that is a list; its rows are read one by one. Raises `ResponseUnreadable`."""
    values = payload.get(name)
    if not isinstance(values, list):
        raise ResponseUnreadable(f"The response has no list of {name}.")
    return values


def read_rows(
    rows: Iterable[object],
    read: Callable[[dict[str, Any]], T | None],
    *,
    id_name: str = "id",
    read_time: Callable[[dict[str, Any]], datetime] | None = None,
    since: datetime | None = None,
) -> Listing[T]:
    """Return the rows of a provider's list as `read` reads them, without those where it returns
    None.

    A row that it cannot read is set aside, and does not stop the others.
    """
    readable: list[T] = []
    set_aside: list[SetAsideRow] = []
    for row in rows:
        try:
            with parsing_response():
                value = read(object_row(row))
            if value is not None:
                readable.append(value)
        except ResponseUnreadable as error:
            set_aside.append(_set_aside(row, id_name, error, read_time))
    return Listing(readable, set_aside, since)


def object_row(row: object) -> dict[str, Any]:
    """Return a row of a list that is an object. Raises `ResponseUnreadable`."""
    if not isinstance(row, dict):
        raise ResponseUnreadable("The row is not an object.")
    return row


def last_id(rows: Iterable[object], id_name: str) -> str:
    """Return the last id in a page, after which the next page begins. Raises
    `ResponseUnreadable`."""
    named = [row for row in rows if isinstance(row, dict) and optional_text(row, id_name)]
    if not named:
        raise ResponseUnreadable("The page has no id after which to continue.")
    return required_text(named[-1], id_name)


def _set_aside(
    row: object,
    id_name: str,
    cause: ResponseUnreadable,
    read_time: Callable[[dict[str, Any]], datetime] | None,
) -> SetAsideRow:
    """Return a row with its id, or a digest where it has none that can be shown."""
    raw = json.dumps(row, sort_keys=True, default=str)
    identifier = row.get(id_name) if isinstance(row, dict) else None
    if not isinstance(identifier, str) or not _SHOWABLE.fullmatch(identifier):
        identifier = f"row-{hashlib.sha256(raw.encode()).hexdigest()[:16]}"
    at = None
    if read_time is not None:
        with suppress(ResponseUnreadable), parsing_response():
            at = read_time(object_row(row))
    return SetAsideRow(identifier, cause, raw[:_RAW_LENGTH_MAX], at)


def required_amount(payload: JsonObject, name: str, asset: Asset) -> Amount:
    """Return a decimal text field as an amount of the asset. Raises `ResponseUnreadable`.

    A network may count in smaller units than we do: the remainder is cut off.
    """
    text = required_text(payload, name)
    if not _DECIMAL.fullmatch(text):
        raise ResponseUnreadable(f"{name} is not an amount.")
    units = int((Decimal(text) * asset.unit).to_integral_value(ROUND_DOWN))
    if units > UNITS_MAX:
        raise ResponseUnreadable(f"{name} is larger than the largest amount.")
    return Amount(asset, units)


def required_instant(payload: JsonObject, name: str) -> datetime:
    """Return an RFC 3339 field as an instant. Raises `ResponseUnreadable`."""
    text = required_text(payload, name)
    try:
        # Some providers write nanoseconds; datetime holds microseconds.
        instant = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        raise ResponseUnreadable(f"{name} is not an RFC 3339 time.") from None
    if instant.tzinfo is None:
        raise ResponseUnreadable(f"{name} has no time zone.")
    return instant
