"""Simulates FedEx: tokens by client credentials, rates, labels, tracking, proof of delivery.

Assumed: the codes of refusals, the codes of damaged and lost parcels, and that a label is found by
our reference at once.
"""

import base64
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Response, request

from sandbox.custodians import authenticated_operation, json_response
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key
from sandbox.parcels import Parcels, local_time, pdf
from sandbox.provider import SandboxProvider, has_fault
from sandbox.store import Document
from sandbox.tokens import LIFETIME, has_token, issue_token

NAME = "fedex"
ACCOUNT = "740561073"
VALUE_MAX = 5_000_000
#: Price in cents of a parcel and of each pound, and the days that it travels.
_SERVICES = {
    "PRIORITY_OVERNIGHT": (6_150, 310, 1),
    "FEDEX_2_DAY": (2_875, 145, 2),
    "FEDEX_GROUND": (1_340, 62, 4),
}
_SIGNATURE_FEE = 835
#: Event type, exception code and words of each step.
_EVENTS = {
    "label_created": ("OC", "", "Shipment information sent to FedEx"),
    "picked_up": ("PU", "", "Picked up"),
    "in_transit": ("DP", "", "Departed FedEx location"),
    "out_for_delivery": ("OD", "", "On FedEx vehicle for delivery"),
    "delivered": ("DL", "", "Delivered"),
    "held": ("HL", "", "Ready for recipient pickup"),
    "address_correction": ("DE", "03", "Incorrect address"),
    "damaged": ("DE", "10", "Package damaged"),
    "lost": ("SE", "94", "Package cannot be located"),
    "returned": ("RS", "", "Returned to shipper"),
    "delayed": ("DY", "", "Delay"),
}

provider = SandboxProvider(NAME, "FedEx")
parcels = Parcels(provider, "79")


def _error(status: int, code: str) -> Response:
    errors = [{"code": code, "message": code.replace(".", " ").capitalize()}]
    return json_response({"transactionId": "sandbox", "errors": errors}, status)


def _output(document: object) -> Response:
    return json_response({"transactionId": "sandbox", "output": document})


def _authentication_error() -> Response | None:
    return None if has_token(NAME) else _error(401, "NOT.AUTHORIZED.ERROR")


_operation = authenticated_operation(provider, _authentication_error)


@provider.operation("POST", "/oauth/token", "token")
def create_token() -> Response:
    """Return a token for the client's ID and secret."""
    form = request.form
    if (
        form.get("grant_type") != "client_credentials"
        or form.get("client_secret") != sandbox_key(NAME)
        or not form.get("client_id")
    ):
        return _error(401, "NOT.AUTHORIZED.ERROR")
    token = {"access_token": issue_token(NAME), "token_type": "bearer", "expires_in": LIFETIME}
    return json_response({**token, "scope": "CXS"})


@_operation("POST", "/rate/v1/rates/quotes", "rates.quote")
def quote_rates() -> Response:
    """Return what each service costs for the first parcel."""
    shipment = request.get_json()["requestedShipment"]
    if refusal := _refusal(shipment):
        return refusal
    ships_on = date.fromisoformat(shipment["shipDateStamp"])
    replies = [
        {
            "serviceType": service,
            "commit": {"dateDetail": {"dayFormat": f"{ships_on + timedelta(days=days)}T10:30:00"}},
            "ratedShipmentDetails": [
                {"rateType": "LIST", "totalNetCharge": 999.99, "currency": "USD"},
                {
                    "rateType": "ACCOUNT",
                    # As FedEx sends it: a number of JSON.
                    "totalNetCharge": float(_cost(service, shipment)),
                    "currency": "USD",
                },
            ],
        }
        for service, (_, _, days) in _SERVICES.items()
    ]
    return _output({"rateReplyDetails": replies})


@_operation("POST", "/ship/v1/shipments", "shipments.create")
def create_shipment() -> Response:
    """Sell a label. A second request is a second label, whatever its reference."""
    payload = request.get_json()
    shipment = payload["requestedShipment"]
    if refusal := _refusal(shipment):
        return refusal
    if payload["accountNumber"]["value"] != ACCOUNT:
        return _error(400, "ACCOUNT.NUMBER.INVALID")
    item, recipient = shipment["requestedPackageLineItems"][0], shipment["recipients"][0]
    [reference] = [reference["value"] for reference in item["customerReferences"]]
    parcel = parcels.add(
        reference,
        origin=shipment["shipper"]["address"]["city"],
        street=recipient["address"]["streetLines"][0],
        city=recipient["address"]["city"],
        service=shipment["serviceType"],
        cost=str(_cost(shipment["serviceType"], shipment)),
        recipient=recipient["contact"]["personName"],
        label=shipment,
    )
    label = base64.b64encode(pdf(f"{recipient['contact']['personName']} {reference}")).decode()
    # As FedEx sends it: a number of JSON.
    charge = {"totalNetCharge": float(parcel["cost"]), "currency": "USD", "rateType": "ACCOUNT"}
    piece = {
        "trackingNumber": parcel["number"],
        "masterTrackingNumber": parcel["number"],
        "packageDocuments": [{"docType": "PDF", "contentType": "LABEL", "encodedLabel": label}],
    }
    sold = {
        "masterTrackingNumber": parcel["number"],
        "serviceType": shipment["serviceType"],
        "shipDatestamp": shipment["shipDatestamp"],
        "pieceResponses": [piece],
        "completedShipmentDetail": {"shipmentRating": {"shipmentRateDetails": [charge]}},
    }
    return _output({"transactionShipments": [sold]})


@_operation("PUT", "/ship/v1/shipments/cancel", "shipments.cancel")
def cancel_shipment() -> Response:
    """Cancel a label, unless the parcel was picked up."""
    parcel = parcels.get(request.get_json()["trackingNumber"])
    if parcel is None:
        return _error(400, "TRACKINGNUMBER.NOT.FOUND")
    if parcel["cancelled"]:
        return _error(400, "SHIPMENT.ALREADY.CANCELLED")
    if not parcels.cancel(parcel):
        return _error(400, "SHIPMENT.ALREADY.TENDERED")
    return _output({"cancelledShipment": True, "cancelledHistory": True})


@_operation("POST", "/track/v1/trackingnumbers", "tracking.get")
def track_numbers() -> Response:
    """Return what happened to up to 30 parcels."""
    asked = [
        row["trackingNumberInfo"]["trackingNumber"] for row in request.get_json()["trackingInfo"]
    ]
    return _output({"completeTrackResults": [_track_result(n, parcels.get(n)) for n in asked]})


@_operation("POST", "/track/v1/referencenumbers", "references.find")
def find_references() -> Response:
    """Return the parcels with a reference."""
    asked = request.get_json()["referencesInformation"]
    found = parcels.find(asked["value"])
    if not found:
        return _output(
            {"completeTrackResults": [_missing("", "TRACKING.REFERENCENUMBER.NOTFOUND")]}
        )
    return _output({"completeTrackResults": [_track_result(p["number"], p) for p in found]})


@_operation("POST", "/track/v1/trackingdocuments", "documents.get")
def fetch_document() -> Response:
    """Return the proof of a delivery with the signature."""
    [asked] = request.get_json()["trackDocumentSpecification"]
    parcel = parcels.get(asked["trackingNumberInfo"]["trackingNumber"])
    if parcel is None or parcel["events"][-1]["step"] != "delivered":
        return _error(400, "TRACKING.DOCUMENT.UNAVAILABLE")
    text = pdf(f"Signed for by {parcel['recipient']}: {parcel['number']}")
    document = {"documentType": "SIGNATURE_PROOF_OF_DELIVERY", "documentFormat": "PDF"}
    return _output({**document, "document": [base64.b64encode(text).decode()]})


def _refusal(shipment: dict[str, Any]) -> Response | None:
    if has_fault(FaultMode.REFUSED):
        return _error(400, "RECIPIENTS.ADDRESSSTATEORPROVINCECODE.MISMATCH")
    item = shipment["requestedPackageLineItems"][0]
    if item["declaredValue"]["amount"] > VALUE_MAX:
        return _error(400, "DECLAREDVALUE.EXCEEDS.LIMIT")
    if item["packageSpecialServices"]["signatureOptionType"] != "ADULT":
        return _error(400, "SIGNATUREOPTION.REQUIRED")
    return None


def _cost(service: str, shipment: dict[str, Any]) -> Decimal:
    base, per_pound, _ = _SERVICES[service]
    pounds = shipment["requestedPackageLineItems"][0]["weight"]["value"]
    return Decimal(base + per_pound * pounds + _SIGNATURE_FEE) / 100


def _missing(number: str, code: str) -> Document:
    error = {"code": code, "message": "Tracking number cannot be found."}
    return {"trackingNumber": number, "trackResults": [{"error": error}]}


def _track_result(number: str, parcel: Document | None) -> Document:
    if parcel is None:
        return _missing(number, "TRACKING.TRACKINGNUMBER.NOTFOUND")
    shown = "79" + number[:1:-1] if has_fault(FaultMode.FOREIGN) else number
    events = [_scan(event) for event in parcels.shown_events(parcel)]
    code, description = events[-1]["eventType"], events[-1]["eventDescription"]
    if parcel["cancelled"]:
        code, description = "CA", "Shipment cancelled by sender"
    identifier = {"type": "CUSTOMER_REFERENCE", "values": [parcel["reference"]]}
    expected = {"type": "ESTIMATED_DELIVERY", "dateTime": f"{parcel['expected_on']}T12:00:00+00:00"}
    result = {
        "trackingNumberInfo": {"trackingNumber": shown, "carrierCode": "FDXE"},
        "additionalTrackingInfo": {"packageIdentifiers": [identifier]},
        "latestStatusDetail": {"code": code, "description": description},
        "scanEvents": events[::-1],
        "dateAndTimes": [expected],
    }
    return {"trackingNumber": shown, "trackResults": [result]}


def _scan(event: Document) -> Document:
    kind, exception, text = _EVENTS[event["step"]]
    return {
        "date": local_time(event).isoformat(),
        "eventType": kind,
        "derivedStatusCode": kind,
        "eventDescription": text,
        "exceptionCode": exception,
        "exceptionDescription": text if exception else "",
        "scanLocation": {"city": event["city"], "countryCode": "US"},
    }
