"""Simulates UPS: tokens by client credentials, and tracking of the parcels that partners sent.

Assumed: the codes of a wrong address, of damaged and of lost parcels, and that the proof of
delivery is a PDF.
"""

import base64

from flask import Response, request

from sandbox.custodians import authenticated_operation, json_response
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key
from sandbox.parcels import Parcels, local_time, pdf
from sandbox.provider import SandboxProvider, has_fault
from sandbox.store import Document
from sandbox.tokens import LIFETIME, has_token, issue_token

NAME = "ups"
#: Type of status, code and words of each step.
_STATUSES = {
    "label_created": ("M", "MP", "Shipper created a label"),
    "picked_up": ("P", "OR", "Origin scan"),
    "in_transit": ("I", "DP", "Departed from facility"),
    "out_for_delivery": ("O", "OT", "Out for delivery"),
    "delivered": ("D", "FS", "DELIVERED "),
    "held": ("X", "X2", "The receiver was not available"),
    "address_correction": ("X", "48", "The address is incomplete"),
    "damaged": ("X", "57", "The package was damaged"),
    "lost": ("X", "63", "The package cannot be located"),
    "returned": ("RS", "RS", "Returned to shipper"),
    "delayed": ("NA", "DY", "Delay"),
}

provider = SandboxProvider(NAME, "UPS")
parcels = Parcels(provider, "1Z999AA1")


def _error(status: int, code: str, message: str) -> Response:
    return json_response({"response": {"errors": [{"code": code, "message": message}]}}, status)


def _authentication_error() -> Response | None:
    return None if has_token(NAME) else _error(401, "250002", "Invalid Authentication Information.")


@provider.operation("POST", "/security/v1/oauth/token", "token")
def create_token() -> Response:
    """Return a token for the client's ID and secret. Its lifetime is a text."""
    sent = request.authorization
    if sent is None or sent.password != sandbox_key(NAME):
        return _error(401, "10401", "ClientId is Invalid")
    token = {"access_token": issue_token(NAME), "token_type": "Bearer", "status": "approved"}
    return json_response({**token, "expires_in": str(LIFETIME)})


_operation = authenticated_operation(provider, _authentication_error)


@_operation("GET", "/api/track/v1/details/<number>", "tracking.get")
def track_number(number: str) -> Response:
    """Return what happened to a parcel, latest first."""
    if not request.headers.get("transId") or not request.headers.get("transactionSrc"):
        return _error(400, "TV0002", "Missing header")
    parcel = parcels.get(number)
    if parcel is None:
        return _error(404, "TW0001", "Tracking Information Not Found")
    package: Document = {
        "trackingNumber": number[:-1] if has_fault(FaultMode.FOREIGN) else number,
        "deliveryDate": [{"type": "SDD", "date": parcel["expected_on"].replace("-", "")}],
        "activity": [_activity(event) for event in parcels.shown_events(parcel)[::-1]],
    }
    if parcel["events"][-1]["step"] == "delivered":
        text = pdf(f"Received by {parcel['recipient']}: {number}")
        proof = {"content": base64.b64encode(text).decode()}
        package["deliveryInformation"] = {"receivedBy": parcel["recipient"], "pod": proof}
    shipment = {"inquiryNumber": number, "package": [package]}
    return json_response({"trackResponse": {"shipment": [shipment]}})


@provider.control("POST", "/parcels")
def send_parcel() -> Response:
    """A partner sends a parcel: {"reference", "origin", "street", "city", "recipient"}."""
    payload = request.get_json()
    return json_response(
        parcels.add(
            payload["reference"],
            origin=payload["origin"],
            street=payload["street"],
            city=payload["city"],
            recipient=payload["recipient"],
        )
    )


def _activity(event: Document) -> Document:
    kind, code, text = _STATUSES[event["step"]]
    at = local_time(event)
    return {
        "location": {"address": {"city": event["city"], "countryCode": "US"}},
        "status": {"type": kind, "code": code, "description": text},
        "date": f"{at:%Y%m%d}",
        "time": f"{at:%H%M%S}",
        "gmtDate": f"{at:%Y%m%d}",
        "gmtTime": f"{at:%H:%M:%S}",
        "gmtOffset": "+00:00",
    }
