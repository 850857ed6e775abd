"""UPS as a tracker of parcels."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Protocol

from app.fulfillment.carriers.ports import Tracking, TrackingEvent
from app.fulfillment.carriers.rules import TrackingStatus
from app.integrations.http_calls import ProviderCaller
from app.integrations.parcel_scans import read_pdf, scan_event
from app.integrations.response_parsing import (
    object_row,
    optional_text,
    read_rows,
    required_list,
    required_object,
    required_text,
)
from app.integrations.transport import parsing_response
from app.providers.errors import ResponseUnreadable
from app.providers.ports import Listing

NAME = "ups"
_S = TrackingStatus
#: By the type of a status. Others change nothing.
_STATUSES: Mapping[str, TrackingStatus] = MappingProxyType(
    {
        "M": _S.LABEL_CREATED,
        "P": _S.PICKED_UP,
        "I": _S.IN_TRANSIT,
        "O": _S.OUT_FOR_DELIVERY,
        "D": _S.DELIVERED,
        "X": _S.HELD,
        "RS": _S.RETURNED,
    }
)
#: By the code of an exception. Assumed.
_EXCEPTIONS: Mapping[str, TrackingStatus] = MappingProxyType(
    {"48": _S.ADDRESS_CORRECTION, "57": _S.DAMAGED, "63": _S.LOST}
)
_EXCEPTION = "X"
#: The kinds of dates on which UPS expects to deliver.
_EXPECTED = frozenset({"SDD", "RDD"})


class UpsApi(Protocol):
    """The method of the client that the adapter uses."""

    def get_details(self, tracking_number: str) -> dict[str, Any] | None: ...


class Ups:
    """A `ParcelTracker`."""

    name = NAME
    batch_max = 1

    def __init__(self, client: UpsApi, caller: ProviderCaller) -> None:
        self._client, self._caller = client, caller

    def track(self, tracking_numbers: Sequence[str]) -> Listing[Tracking]:
        """Return what UPS knows of a parcel."""
        [number] = tracking_numbers

        def fetch() -> Listing[Tracking]:
            details = self._client.get_details(number)
            if details is None:
                return Listing([Tracking(number, ())])
            with parsing_response():
                packages = [
                    {"trackingNumber": number, "package": package} for package in _packages(details)
                ]
            if not packages:
                return Listing([Tracking(number, ())])
            return read_rows(
                packages,
                lambda row: _read_package(row["package"], number),
                id_name="trackingNumber",
            )

        return self._caller.call("tracking.get", fetch, reference=number, idempotent=True)

    def fetch_proof(self, tracking_number: str) -> bytes | None:
        """Return the proof of a delivery with its signature; None if there is none yet."""

        def fetch() -> bytes | None:
            details = self._client.get_details(tracking_number)
            with parsing_response():
                for package in _packages(details or {}):
                    information = object_row(package).get("deliveryInformation") or {}
                    if proof := information.get("pod"):
                        return read_pdf(proof["content"])
            return None

        return self._caller.call("documents.get", fetch, reference=tracking_number, idempotent=True)


def _packages(details: dict[str, Any]) -> list[object]:
    """Return the packages of the shipments. UPS names an unknown number in a warning only."""
    return [
        package
        for shipment in details.get("shipment") or ()
        for package in shipment.get("package") or ()
    ]


def _read_package(row: object, asked: str) -> Tracking:
    package = object_row(row)
    if required_text(package, "trackingNumber") != asked:
        raise ResponseUnreadable("The parcel is not the one that was asked for.")
    events = {event.id: event for event in map(_event, required_list(package, "activity"))}
    return Tracking(asked, tuple(events.values()), _expected_on(package))


def _event(row: object) -> TrackingEvent:
    activity = object_row(row)
    at = datetime.strptime(
        f"{required_text(activity, 'gmtDate')} {required_text(activity, 'gmtTime')}",
        "%Y%m%d %H:%M:%S",
    ).replace(tzinfo=UTC)
    status = required_object(activity, "status")
    kind, code = required_text(status, "type"), optional_text(status, "code")
    reached = _STATUSES.get(kind)
    if kind == _EXCEPTION:
        reached = _EXCEPTIONS.get(code, reached)
    address = (activity.get("location") or {}).get("address") or {}
    return scan_event(
        at, f"{kind} {code}", reached,
        place=optional_text(address, "city"), text=optional_text(status, "description").strip(),
    )  # fmt: skip


def _expected_on(package: dict[str, Any]) -> date | None:
    for row in package.get("deliveryDate") or ():
        if isinstance(row, dict) and row.get("type") in _EXPECTED:
            with suppress(ValueError):
                return date.fromisoformat(optional_text(row, "date"))
    return None
