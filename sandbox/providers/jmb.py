"""JM Bullion as a partner, with the contract described in app/integrations/jmb."""

from typing import Any

from flask import Response, request

from sandbox import clock
from sandbox.custodians import authenticated_operation, json_response
from sandbox.keys import sandbox_key
from sandbox.partners import Partner
from sandbox.provider import SandboxProvider
from sandbox.providers import fedex, ups
from sandbox.store import Document

NAME = "jmb"
_CANCEL_SECONDS = 24 * 3600
_CARRIERS = {"UPS": ups.parcels, "FEDEX": fedex.parcels}

provider = SandboxProvider(NAME, "JM Bullion")
partner = Partner(provider, _CARRIERS, "Dallas")


def _error(status: int, code: str) -> Response:
    return json_response({"code": code, "message": code.replace("_", " ")}, status)


def _authentication_error() -> Response | None:
    has_key = request.headers.get("X-API-KEY") == sandbox_key(NAME)
    return None if has_key else _error(401, "unknown_key")


_operation = authenticated_operation(provider, _authentication_error)


@_operation("POST", "/fulfilments", "fulfilments.create")
def create_fulfilment() -> Response:
    """Take an order."""
    payload: Any = request.get_json()
    units = {item["sku"]: item["quantity"] for item in payload["items"]}
    if partner.find(payload["reference"]) is not None:
        return _error(409, "duplicate_reference")
    if payload["signature"] != "adult":
        return _error(422, "signature_required")
    if not partner.has_units(units):
        return _error(409, "out_of_stock")
    ship_to = payload["ship_to"]
    order = partner.add(
        payload["reference"],
        units,
        serials={item["sku"]: item["serials"] for item in payload["items"]},
        carrier=payload["carrier"] or "UPS",
        street=ship_to["street1"],
        city=ship_to["city"],
        recipient=ship_to["name"],
        declared_value=payload["declared_value"],
    )
    return json_response(_rendered(order), 201)


@_operation("GET", "/fulfilments", "fulfilments.find")
def find_fulfilments() -> Response:
    """Return the order with a reference."""
    order = partner.find(request.args["reference"])
    return json_response({"items": [_rendered(order)] if order else []})


@_operation("POST", "/fulfilments/<identifier>/cancel", "fulfilments.cancel")
def cancel_fulfilment(identifier: str) -> Response:
    """Cancel an order within a day, unless it is shipped."""
    order = partner.find_id(identifier)
    if order is None:
        return _error(404, "not_found")
    if order["status"] == "cancelled":
        return json_response(_rendered(order))
    is_late = clock.now() > order["submitted"] + _CANCEL_SECONDS
    if is_late or not order["moves"]:
        return _error(409, "cancel_window_closed")
    return json_response(_rendered(partner.cancel(order)))


@_operation("GET", "/inventory", "inventory.get")
def get_inventory() -> Response:
    """Return what is kept."""
    return json_response({"as_of": partner.stated_at(), "items": partner.items()})


def _rendered(order: Document) -> Document:
    shown = ("id", "reference", "status", "submitted_at", "reason")
    parcels = [
        {
            "carrier": parcel["carrier"],
            "tracking_number": parcel["number"],
            "serials": parcel["serials"],
        }
        for parcel in order["parcels"]
    ]
    return {**{name: order[name] for name in shown}, "parcels": parcels}
