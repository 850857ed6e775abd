"""What FedEx says about parcels: its codes, and the events that we make of its scans."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from app.fulfillment.carriers.ports import Tracking, TrackingEvent
from app.fulfillment.carriers.rules import TrackingStatus
from app.integrations.parcel_scans import scan_event
from app.integrations.response_parsing import (
    JsonObject,
    object_row,
    optional_text,
    required_instant,
    required_list,
    required_object,
    required_text,
)
from app.providers.errors import ResponseUnreadable

_S = TrackingStatus
#: By the type of a scan. Other scans change nothing.
_STATUSES: Mapping[str, TrackingStatus] = MappingProxyType(
    {
        "OC": _S.LABEL_CREATED,
        "PU": _S.PICKED_UP,
        "AR": _S.IN_TRANSIT,
        "DP": _S.IN_TRANSIT,
        "IT": _S.IN_TRANSIT,
        "OD": _S.OUT_FOR_DELIVERY,
        "DL": _S.DELIVERED,
        "DE": _S.HELD,
        "HL": _S.HELD,
        "RS": _S.RETURNED,
    }
)
#: By the exception code of a delivery or shipment exception. Assumed, but for the first.
_EXCEPTIONS: Mapping[str, TrackingStatus] = MappingProxyType(
    {"03": _S.ADDRESS_CORRECTION, "10": _S.DAMAGED, "94": _S.LOST}
)
_EXCEPTION_SCANS = frozenset({"DE", "SE"})
_CANCELLED = "CA"
NOT_FOUND = frozenset({"TRACKING.TRACKINGNUMBER.NOTFOUND", "TRACKING.REFERENCENUMBER.NOTFOUND"})


def read_tracking(row: dict[str, Any], asked: Collection[str]) -> Tracking:
    """Return what a complete track result says. Raises `ResponseUnreadable` if it is of a parcel
    that was not asked for."""
    number = required_text(row, "trackingNumber")
    if number not in asked:
        raise ResponseUnreadable("The parcel is not one that was asked for.")
    events: dict[str, TrackingEvent] = {}
    expected_on = None
    for result in _results(row):
        named = required_text(required_object(result, "trackingNumberInfo"), "trackingNumber")
        if named != number:
            raise ResponseUnreadable("The result is of another parcel.")
        for scan in required_list(result, "scanEvents"):
            event = _event(object_row(scan))
            events[event.id] = event
        expected_on = _expected_on(result) or expected_on
    return Tracking(number, tuple(events.values()), expected_on)


def numbers_with_reference(row: dict[str, Any], reference: str) -> list[str]:
    """Return the number of a track result if its parcel has our reference and was not cancelled."""
    return [
        required_text(required_object(result, "trackingNumberInfo"), "trackingNumber")
        for result in _results(row)
        if _has_reference(result, reference)
        and optional_text(required_object(result, "latestStatusDetail"), "code") != _CANCELLED
    ]


def _results(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results of a row, without those that say that there is none."""
    results = [object_row(result) for result in required_list(row, "trackResults")]
    for result in results:
        if error := result.get("error"):
            code = required_text(object_row(error), "code")
            if code not in NOT_FOUND:
                raise ResponseUnreadable(f"The parcel has an error: {code}.")
    return [result for result in results if not result.get("error")]


def _has_reference(result: JsonObject, reference: str) -> bool:
    info = required_object(result, "additionalTrackingInfo")
    identifiers = [object_row(row) for row in required_list(info, "packageIdentifiers")]
    return any(reference in required_list(row, "values") for row in identifiers)


def _event(scan: dict[str, Any]) -> TrackingEvent:
    kind, exception = required_text(scan, "eventType"), optional_text(scan, "exceptionCode")
    at = required_instant(scan, "date")
    place = optional_text(scan.get("scanLocation") or {}, "city")
    status = _STATUSES.get(kind)
    if kind in _EXCEPTION_SCANS:
        status = _EXCEPTIONS.get(exception, status)
    text = optional_text(scan, "exceptionDescription") or optional_text(scan, "eventDescription")
    return scan_event(at, f"{kind} {exception}", status, place=place, text=text)


def _expected_on(result: JsonObject) -> date | None:
    for row in result.get("dateAndTimes") or ():
        if isinstance(row, dict) and row.get("type") == "ESTIMATED_DELIVERY":
            with suppress(ValueError):
                return datetime.fromisoformat(optional_text(row, "dateTime")).date()
    return None
