"""Brink's as a partner that sends our goods, and as their keeper."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.partners.ports import (
    CANCEL_WINDOW_CLOSED,
    OUT_OF_STOCK,
    PartnerOrder,
    PartnerParcel,
    PartnerRequest,
)
from app.fulfillment.partners.rules import PartnerStatus
from app.integrations.depot_lines import read_depot_line
from app.integrations.http_calls import ProviderCaller
from app.integrations.response_parsing import (
    object_row,
    optional_text,
    read_rows,
    required_instant,
    required_list,
    required_member,
    required_object,
    required_text,
)
from app.kit.postal_addresses import PostalAddress
from app.providers.errors import ProviderRefused, ResponseUnreadable
from app.vault.depots.ports import DepotLine, DepotStatement

NAME = "brinks"
_DUPLICATE, _UNKNOWN = "E104", "E101"
#: Our codes of the refusals that rooms know.
_CODES: Mapping[str, str] = MappingProxyType({"E110": OUT_OF_STOCK, "E210": CANCEL_WINDOW_CLOSED})
_STATUSES: Mapping[str, PartnerStatus] = MappingProxyType(
    {
        "PREADVISED": PartnerStatus.RECEIVED,
        "IN_PROCESS": PartnerStatus.PROCESSING,
        "DISPATCHED": PartnerStatus.SHIPPED,
        "CANCELLED": PartnerStatus.CANCELLED,
        "REJECTED": PartnerStatus.REJECTED,
    }
)


class BrinksApi(Protocol):
    """The method of the client that the adapter uses."""

    def call(self, operation: str, message: Mapping[str, Any]) -> dict[str, Any]: ...


class Brinks:
    """A `FulfilmentPartner` and a `DepotKeeper`."""

    name = NAME

    def __init__(self, client: BrinksApi, caller: ProviderCaller, *, account: str) -> None:
        self._client, self._caller, self.account = client, caller, account

    def submit(self, request: PartnerRequest) -> PartnerOrder:
        """Have goods sent, once. Brink's refuses a reference that it knows: the shipment is read
        then."""
        message = _describe(request)

        def submit() -> PartnerOrder:
            try:
                return self._ship("preadviseShipment", message, request.reference)
            except ProviderRefused as refusal:
                if refusal.code != _DUPLICATE:
                    raise
            existing = self._read(request.reference)
            if existing is None:
                raise ResponseUnreadable("A duplicate shipment cannot be found.")
            return existing

        return self._caller.call(
            "shipments.preadvise", submit, reference=request.reference, idempotent=True
        )

    def fetch(self, reference: str) -> PartnerOrder | None:
        """Return the shipment with our reference."""
        return self._caller.call(
            "shipments.get", lambda: self._read(reference), reference=reference, idempotent=True
        )

    def cancel(self, reference: str) -> PartnerOrder:
        """Cancel a shipment. Brink's recognises a repetition."""

        def cancel() -> PartnerOrder:
            return self._ship("cancelShipment", {"customerReference": reference}, reference)

        return self._caller.call("shipments.cancel", cancel, reference=reference, idempotent=True)

    def statement(self, account: str) -> DepotStatement:
        """Return what Brink's keeps for us."""

        def fetch() -> DepotStatement:
            answer = self._client.call("InventoryService/getInventory", {})
            return DepotStatement(
                required_instant(answer, "asOf"),
                read_rows(required_list(answer, "items"), _read_item, id_name="itemCode"),
            )

        return self._caller.call("inventory.get", fetch, reference=account, idempotent=True)

    def _read(self, reference: str) -> PartnerOrder | None:
        try:
            return self._ship("getShipmentStatus", {"customerReference": reference}, reference)
        except ProviderRefused as refusal:
            if refusal.code == _UNKNOWN:
                return None
            raise

    def _ship(self, operation: str, message: Mapping[str, Any], reference: str) -> PartnerOrder:
        try:
            answer = self._client.call(f"ShipService/{operation}", message)
        except ProviderRefused as refusal:
            if code := _CODES.get(refusal.code):
                raise ProviderRefused(code, refusal.reason) from None
            raise
        return _read_shipment(required_object(answer, "shipment"), reference)


def _describe(request: PartnerRequest) -> dict[str, Any]:
    value = request.declared_value
    return {
        "customerReference": request.reference,
        "service": "FEDEX_ADULT_SIGNATURE",
        "consignee": _consignee(request.recipient),
        "items": [
            {"itemCode": line.sku, "pieces": line.units, "barNumbers": list(line.serials)}
            for line in request.lines
        ],
        "declaredValue": {"amount": str(value), "currency": value.asset.code},
    }


def _consignee(address: PostalAddress) -> dict[str, str]:
    fields = {
        "name": address.recipient,
        "company": address.company,
        "addressLine1": address.street,
        "addressLine2": address.street2,
        "city": address.city,
        "state": address.state_code or address.state,
        "postalCode": address.zip_code,
        "country": address.country,
        "phone": address.phone,
    }
    return {name: text for name, text in fields.items() if text}


def _read_shipment(payload: dict[str, Any], reference: str) -> PartnerOrder:
    if required_text(payload, "customerReference") != reference:
        raise ResponseUnreadable("The shipment is not the one that was asked for.")
    status = required_member(payload, "status", _STATUSES)
    parcels = tuple(_read_parcel(object_row(row)) for row in required_list(payload, "parcels"))
    if status is PartnerStatus.SHIPPED and not parcels:
        raise ResponseUnreadable("The shipment is dispatched, and names no parcel.")
    return PartnerOrder(
        required_text(payload, "shipmentNumber"),
        reference,
        status,
        required_instant(payload, "preadvisedAt"),
        parcels,
        optional_text(payload, "remark"),
    )


def _read_parcel(row: dict[str, Any]) -> PartnerParcel:
    items = [object_row(item) for item in required_list(row, "items")]
    return PartnerParcel(
        Carrier.FEDEX,
        required_text(row, "waybill"),
        tuple((required_text(i, "itemCode"), required_text(i, "barNumber")) for i in items),
    )


def _read_item(row: dict[str, Any]) -> DepotLine:
    return read_depot_line(
        {
            "sku": row.get("itemCode"),
            "quantity": row.get("pieces"),
            "serials": row.get("barNumbers", []),
        }
    )
