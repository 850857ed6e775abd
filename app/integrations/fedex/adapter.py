"""FedEx as a seller of labels and a tracker of parcels."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from app.fulfillment.carriers.ports import Consignment, Label, LabelOrder, Rate, Tracking
from app.integrations.fedex.label_requests import SERVICES, rate_request, read_charge, ship_request
from app.integrations.fedex.track_results import NOT_FOUND, numbers_with_reference, read_tracking
from app.integrations.http_calls import ProviderCaller
from app.integrations.parcel_scans import read_pdf
from app.integrations.response_parsing import (
    object_row,
    optional_text,
    read_rows,
    required_list,
    required_text,
)
from app.integrations.transport import parsing_response
from app.kit import clock
from app.kit.money import Amount
from app.providers.errors import ProviderRefused
from app.providers.ports import Listing

NAME = "fedex"
_TRACKED_AT_ONCE = 30
_SPEEDS = {service: speed for speed, service in SERVICES.items()}
_ALREADY_CANCELLED = frozenset({"SHIPMENT.ALREADY.CANCELLED"})
_NO_PROOF_YET = frozenset({"TRACKING.DOCUMENT.UNAVAILABLE"})


class FedexApi(Protocol):
    """The method of the client that the adapter uses."""

    def call(self, method: str, path: str, payload: Mapping[str, Any]) -> dict[str, Any]: ...


class Fedex:
    """A `LabelSeller` and a `ParcelTracker`."""

    name = NAME
    batch_max = _TRACKED_AT_ONCE

    def __init__(
        self, client: FedexApi, caller: ProviderCaller, *, account: str, search_lag: timedelta
    ) -> None:
        self._client, self._caller, self._account = client, caller, account
        self.search_lag = search_lag

    def rates(self, consignment: Consignment, ships_on: date) -> Listing[Rate]:
        """Return what each speed would cost. Other services of FedEx are left out."""
        request = rate_request(self._account, consignment, ships_on)

        def fetch() -> Listing[Rate]:
            output = self._client.call("POST", "/rate/v1/rates/quotes", request)
            rows = required_list(output, "rateReplyDetails")
            return read_rows(rows, _read_rate, id_name="serviceType")

        return self._caller.call("rates.quote", fetch, reference="", idempotent=True)

    def buy_label(self, order: LabelOrder) -> Label:
        """Buy a label."""
        request = ship_request(self._account, order)

        def buy() -> Label:
            return _read_label(self._client.call("POST", "/ship/v1/shipments", request))

        return self._caller.call(
            "shipments.create", buy, reference=order.reference, idempotent=False
        )

    def find_label(self, reference: str, ordered_on: date) -> Label | None:
        """Return the label with our reference. FedEx gives neither its document nor its cost."""
        request = {
            "includeDetailedScans": False,
            "referencesInformation": {
                "type": "CUSTOMER_REFERENCE",
                "value": reference,
                "accountNumber": self._account,
                "shipDateBegin": (ordered_on - timedelta(days=1)).isoformat(),
                "shipDateEnd": (clock.now().date() + timedelta(days=1)).isoformat(),
            },
        }

        def find() -> Label | None:
            try:
                output = self._client.call("POST", "/track/v1/referencenumbers", request)
            except ProviderRefused as refusal:
                if refusal.code in NOT_FOUND:
                    return None
                raise
            with parsing_response():
                numbers = [
                    number
                    for row in required_list(output, "completeTrackResults")
                    for number in numbers_with_reference(object_row(row), reference)
                ]
            return Label(numbers[0], None, None) if numbers else None

        return self._caller.call("references.find", find, reference=reference, idempotent=True)

    def cancel_label(self, tracking_number: str, reference: str) -> None:
        """Cancel a label. FedEx recognises a repetition."""
        request = {
            "accountNumber": {"value": self._account},
            "trackingNumber": tracking_number,
            "deletionControl": "DELETE_ALL_PACKAGES",
        }

        def cancel() -> None:
            try:
                output = self._client.call("PUT", "/ship/v1/shipments/cancel", request)
            except ProviderRefused as refusal:
                if refusal.code in _ALREADY_CANCELLED:
                    return
                raise
            if output.get("cancelledShipment") is not True:
                raise ProviderRefused("not_cancelled")

        self._caller.call("shipments.cancel", cancel, reference=reference, idempotent=True)

    def track(self, tracking_numbers: Sequence[str]) -> Listing[Tracking]:
        """Return what FedEx knows of up to 30 parcels."""
        asked = [{"trackingNumberInfo": {"trackingNumber": number}} for number in tracking_numbers]
        request = {"includeDetailedScans": True, "trackingInfo": asked}

        def fetch() -> Listing[Tracking]:
            output = self._client.call("POST", "/track/v1/trackingnumbers", request)
            return read_rows(
                required_list(output, "completeTrackResults"),
                lambda row: read_tracking(row, tracking_numbers),
                id_name="trackingNumber",
            )

        return self._caller.call(
            "tracking.get", fetch, reference=tracking_numbers[0], idempotent=True
        )

    def fetch_proof(self, tracking_number: str) -> bytes | None:
        """Return the proof of a delivery with its signature; None if there is none yet."""
        request = {
            "trackDocumentDetail": {
                "documentType": "SIGNATURE_PROOF_OF_DELIVERY",
                "documentFormat": "PDF",
            },
            "trackDocumentSpecification": [
                {
                    "trackingNumberInfo": {"trackingNumber": tracking_number},
                    "accountNumber": self._account,
                }
            ],
        }

        def fetch() -> bytes | None:
            try:
                output = self._client.call("POST", "/track/v1/trackingdocuments", request)
            except ProviderRefused as refusal:
                if refusal.code in _NO_PROOF_YET:
                    return None
                raise
            with parsing_response():
                return read_pdf(required_list(output, "document")[0])

        return self._caller.call("documents.get", fetch, reference=tracking_number, idempotent=True)


def _read_rate(row: dict[str, Any]) -> Rate | None:
    speed = _SPEEDS.get(required_text(row, "serviceType"))
    if speed is None:
        return None
    charges = [object_row(charge) for charge in required_list(row, "ratedShipmentDetails")]
    ours = [charge for charge in charges if charge.get("rateType") == "ACCOUNT"]
    return Rate(speed, read_charge((ours or charges)[0]), _read_day(row))


def _read_day(row: dict[str, Any]) -> date | None:
    """Return the day of delivery to which FedEx commits itself, if to any."""
    detail = (row.get("commit") or {}).get("dateDetail") or {}
    text = optional_text(detail, "dayFormat")
    return datetime.fromisoformat(text).date() if text else None


def _read_label(output: dict[str, Any]) -> Label:
    with parsing_response():
        [shipment] = [object_row(row) for row in required_list(output, "transactionShipments")]
        [piece] = [object_row(row) for row in required_list(shipment, "pieceResponses")]
        [document] = [object_row(row) for row in required_list(piece, "packageDocuments")]
        return Label(
            required_text(piece, "trackingNumber"),
            _read_cost(shipment),
            read_pdf(document.get("encodedLabel")),
        )


def _read_cost(shipment: dict[str, Any]) -> Amount | None:
    """Return what a label costs; None where FedEx does not say."""
    rating = (shipment.get("completedShipmentDetail") or {}).get("shipmentRating") or {}
    charges = rating.get("shipmentRateDetails") or ()
    return read_charge(object_row(charges[0])) if charges else None
