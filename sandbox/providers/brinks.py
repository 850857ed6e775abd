"""Brink's as a partner, with the operations described in app/integrations/brinks."""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from sandbox.custodians import json_response
from sandbox.keys import sandbox_key
from sandbox.partners import Partner
from sandbox.provider import SandboxProvider
from sandbox.providers import fedex
from sandbox.store import Document

NAME = "brinks"
_STATUSES = {
    "received": "PREADVISED",
    "processing": "IN_PROCESS",
    "shipped": "DISPATCHED",
    "cancelled": "CANCELLED",
    "rejected": "REJECTED",
}

Handler = Callable[[dict[str, Any]], Response]

provider = SandboxProvider(NAME, "Brink's")
partner = Partner(provider, {"FEDEX": fedex.parcels}, "Memphis")


def _result(code: str, message: str, **answer: object) -> Response:
    return json_response({"result": {"code": code, "message": message}, **answer})


def _shipment(order: Document) -> Response:
    parcels = [
        {
            "waybill": parcel["number"],
            "items": [{"itemCode": s["sku"], "barNumber": s["serial"]} for s in parcel["serials"]],
        }
        for parcel in order["parcels"]
    ]
    shipment = {
        "shipmentNumber": order["id"],
        "customerReference": order["reference"],
        "status": _STATUSES[order["status"]],
        "preadvisedAt": order["submitted_at"],
        "remark": order["reason"],
        "parcels": parcels,
    }
    return _result("0", "OK", shipment=shipment)


def _operation(path: str, name: str) -> Callable[[Handler], None]:
    def declare(handler: Handler) -> None:
        def checked() -> Response:
            message = request.get_json()
            if message["credentials"]["password"] != sandbox_key(NAME):
                return _result("E001", "Unknown user or password")
            return handler(message)

        provider.operation("POST", path, name)(checked)

    return declare


@_operation("/ShipService/preadviseShipment", "shipments.preadvise")
def preadvise(message: dict[str, Any]) -> Response:
    """Take a shipment."""
    reference, consignee = message["customerReference"], message["consignee"]
    units = {item["itemCode"]: item["pieces"] for item in message["items"]}
    if partner.find(reference) is not None:
        return _result("E104", "Duplicate customer reference")
    if message["service"] != "FEDEX_ADULT_SIGNATURE":
        return _result("E120", "Service not available")
    if not partner.has_units(units):
        return _result("E110", "Insufficient inventory")
    return _shipment(
        partner.add(
            reference,
            units,
            serials={item["itemCode"]: item["barNumbers"] for item in message["items"]},
            carrier="FEDEX",
            street=consignee["addressLine1"],
            city=consignee["city"],
            recipient=consignee["name"],
            declared_value=message["declaredValue"]["amount"],
        )
    )


@_operation("/ShipService/getShipmentStatus", "shipments.get")
def get_status(message: dict[str, Any]) -> Response:
    """Return a shipment."""
    order = partner.find(message["customerReference"])
    return _shipment(order) if order else _result("E101", "Unknown customer reference")


@_operation("/ShipService/cancelShipment", "shipments.cancel")
def cancel(message: dict[str, Any]) -> Response:
    """Cancel a shipment that is not processed yet."""
    order = partner.find(message["customerReference"])
    if order is None:
        return _result("E101", "Unknown customer reference")
    if order["status"] not in {"received", "cancelled"}:
        return _result("E210", "Shipment is in process")
    return _shipment(partner.cancel(order))


@_operation("/InventoryService/getInventory", "inventory.get")
def get_inventory(_message: dict[str, Any]) -> Response:
    """Return what is kept."""
    items = [
        {"itemCode": item["sku"], "pieces": item["quantity"], "barNumbers": item["serials"]}
        for item in partner.items()
    ]
    return _result("0", "OK", asOf=partner.stated_at(), items=items)
