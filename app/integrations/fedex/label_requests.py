"""A parcel as requests to FedEx describe it, and the price as its responses give it."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

from app.catalog.rules import USD
from app.fulfillment.carriers.ports import Consignment, LabelOrder
from app.fulfillment.carriers.rules import Speed
from app.integrations.response_parsing import JsonObject
from app.kit.money import UNITS_MAX, Amount, Rounding, divide
from app.kit.postal_addresses import PostalAddress
from app.providers.errors import ResponseUnreadable

SERVICES: Mapping[Speed, str] = MappingProxyType(
    {
        Speed.OVERNIGHT: "PRIORITY_OVERNIGHT",
        Speed.TWO_DAY: "FEDEX_2_DAY",
        Speed.GROUND: "FEDEX_GROUND",
    }
)
#: A pound is 453.59237 grams.
_POUND_HUNDRED_MICROGRAMS = 45_359_237
_HUNDRED_MICROGRAMS_PER_GRAM = 100_000
_MILLIMETRES_PER_CENTIMETRE = 10
_PICKUP = "USE_SCHEDULED_PICKUP"


def ship_request(account: str, order: LabelOrder) -> dict[str, Any]:
    """Return the request for a label of one parcel, to be signed for by an adult."""
    consignment = order.consignment
    item = _package(consignment)
    reference = {"customerReferenceType": "CUSTOMER_REFERENCE", "value": order.reference}
    return {
        "labelResponseOptions": "LABEL",
        "accountNumber": {"value": account},
        "requestedShipment": {
            "shipper": _party(consignment.sender),
            "recipients": [_party(consignment.recipient)],
            "shipDatestamp": order.ships_on.isoformat(),
            "serviceType": SERVICES[order.speed],
            "packagingType": "YOUR_PACKAGING",
            "pickupType": _PICKUP,
            # Others who pay FedEx do not see the parcel.
            "blockInsightVisibility": True,
            "totalWeight": item["weight"]["value"],
            "shippingChargesPayment": {"paymentType": "SENDER"},
            "labelSpecification": {"imageType": "PDF", "labelStockType": "PAPER_4X6"},
            "requestedPackageLineItems": [{**item, "customerReferences": [reference]}],
        },
    }


def rate_request(account: str, consignment: Consignment, ships_on: date) -> dict[str, Any]:
    """Return the request for the rates of one parcel."""
    return {
        "accountNumber": {"value": account},
        "requestedShipment": {
            "shipper": {"address": _address(consignment.sender)},
            "recipient": {"address": _address(consignment.recipient)},
            "shipDateStamp": ships_on.isoformat(),
            "pickupType": _PICKUP,
            "rateRequestType": ["ACCOUNT"],
            "requestedPackageLineItems": [_package(consignment)],
        },
    }


def read_charge(charge: JsonObject) -> Amount:
    """Return `totalNetCharge` in dollars. Raises `ResponseUnreadable`."""
    value = charge.get("totalNetCharge")
    if charge.get("currency") != USD.code:
        raise ResponseUnreadable("The charge is not in dollars.")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ResponseUnreadable("The charge is not a number.")
    cents = (Decimal(value) * USD.unit).to_integral_value(ROUND_HALF_UP)
    if not 0 <= cents <= UNITS_MAX:
        raise ResponseUnreadable("The charge is negative, or larger than the largest amount.")
    return Amount(USD, int(cents))


def _package(consignment: Consignment) -> dict[str, Any]:
    parcel = consignment.parcel
    grams = parcel.weight_grams * _HUNDRED_MICROGRAMS_PER_GRAM
    return {
        "weight": {"units": "LB", "value": divide(grams, _POUND_HUNDRED_MICROGRAMS, Rounding.UP)},
        "dimensions": {
            "length": _centimetres(parcel.length_mm),
            "width": _centimetres(parcel.width_mm),
            "height": _centimetres(parcel.height_mm),
            "units": "CM",
        },
        "declaredValue": {
            "amount": divide(parcel.declared_value.units, USD.unit, Rounding.UP),
            "currency": USD.code,
        },
        "packageSpecialServices": {
            "specialServiceTypes": ["SIGNATURE_OPTION"],
            "signatureOptionType": "ADULT",
        },
    }


def _centimetres(millimetres: int) -> int:
    return divide(millimetres, _MILLIMETRES_PER_CENTIMETRE, Rounding.UP)


def _party(address: PostalAddress) -> dict[str, Any]:
    contact = {"personName": address.recipient, "phoneNumber": address.phone or ""}
    if address.company:
        contact["companyName"] = address.company
    return {"contact": contact, "address": _address(address)}


def _address(address: PostalAddress) -> dict[str, Any]:
    lines = [line for line in (address.street, address.street2, address.district) if line]
    fields = {
        "city": address.city,
        "stateOrProvinceCode": address.state_code or address.state,
        "postalCode": address.zip_code,
        "countryCode": address.country,
    }
    return {"streetLines": lines, **{name: text for name, text in fields.items() if text}}
