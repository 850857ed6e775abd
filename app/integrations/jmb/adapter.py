"""JM Bullion as a partner that sends our goods, and as their keeper."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import quote

from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.partners.ports import (
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
    required_text,
)
from app.providers.errors import ProviderRefused, ResponseUnreadable
from app.vault.depots.ports import DepotStatement

NAME = "jmb"
_DUPLICATE = "duplicate_reference"
_STATUSES: Mapping[str, PartnerStatus] = MappingProxyType({s.value: s for s in PartnerStatus})
_CARRIERS: Mapping[str, Carrier] = MappingProxyType({"UPS": Carrier.UPS, "FEDEX": Carrier.FEDEX})
_CODES = {carrier: code for code, carrier in _CARRIERS.items()}


class JmbApi(Protocol):
    """The methods of the client that the adapter uses."""

    def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]: ...

    def post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]: ...


class Jmb:
    """A `FulfilmentPartner` and a `DepotKeeper`."""

    name = NAME

    def __init__(self, client: JmbApi, caller: ProviderCaller, *, account: str) -> None:
        self._client, self._caller, self.account = client, caller, account

    def submit(self, request: PartnerRequest) -> PartnerOrder:
        """Have goods sent, once. JM Bullion refuses a reference that it knows: the order is read
        then."""
        payload = _describe(request)

        def submit() -> PartnerOrder:
            try:
                return _read_order(self._client.post("/fulfilments", payload), request.reference)
            except ProviderRefused as refusal:
                if refusal.code != _DUPLICATE:
                    raise
            existing = self._read(request.reference)
            if existing is None:
                raise ResponseUnreadable("A duplicate order cannot be found.")
            return existing

        return self._caller.call(
            "fulfilments.create", submit, reference=request.reference, idempotent=True
        )

    def fetch(self, reference: str) -> PartnerOrder | None:
        """Return the order with our reference."""
        return self._caller.call(
            "fulfilments.find", lambda: self._read(reference), reference=reference, idempotent=True
        )

    def cancel(self, reference: str) -> PartnerOrder:
        """Cancel an order. JM Bullion recognises a repetition."""

        def cancel() -> PartnerOrder:
            order = self._read(reference)
            if order is None:
                raise ProviderRefused("not_found")
            path = f"/fulfilments/{quote(order.partner_ref, safe='')}/cancel"
            return _read_order(self._client.post(path, {}), reference)

        return self._caller.call("fulfilments.cancel", cancel, reference=reference, idempotent=True)

    def statement(self, account: str) -> DepotStatement:
        """Return what JM Bullion keeps for us."""

        def fetch() -> DepotStatement:
            payload = self._client.get("/inventory")
            items = required_list(payload, "items")
            return DepotStatement(
                required_instant(payload, "as_of"),
                read_rows(items, read_depot_line, id_name="sku"),
            )

        return self._caller.call("inventory.get", fetch, reference=account, idempotent=True)

    def _read(self, reference: str) -> PartnerOrder | None:
        items = required_list(self._client.get("/fulfilments", {"reference": reference}), "items")
        return _read_order(object_row(items[0]), reference) if items else None


def _describe(request: PartnerRequest) -> dict[str, Any]:
    address = request.recipient
    ship_to = {
        "name": address.recipient,
        "company": address.company,
        "street1": address.street,
        "street2": address.street2,
        "city": address.city,
        "state": address.state_code or address.state,
        "zip": address.zip_code,
        "country": address.country,
        "phone": address.phone,
    }
    return {
        "reference": request.reference,
        "carrier": _CODES[request.carrier] if request.carrier else None,
        "signature": "adult",
        "declared_value": str(request.declared_value),
        "ship_to": {name: text for name, text in ship_to.items() if text},
        "items": [
            {"sku": line.sku, "quantity": line.units, "serials": list(line.serials)}
            for line in request.lines
        ],
    }


def _read_order(payload: dict[str, Any], reference: str) -> PartnerOrder:
    if required_text(payload, "reference") != reference:
        raise ResponseUnreadable("The order is not the one that was asked for.")
    status = required_member(payload, "status", _STATUSES)
    parcels = tuple(_read_parcel(object_row(row)) for row in required_list(payload, "parcels"))
    if status is PartnerStatus.SHIPPED and not parcels:
        raise ResponseUnreadable("The order is shipped, and names no parcel.")
    return PartnerOrder(
        required_text(payload, "id"),
        reference,
        status,
        required_instant(payload, "submitted_at"),
        parcels,
        optional_text(payload, "reason"),
    )


def _read_parcel(row: dict[str, Any]) -> PartnerParcel:
    serials = [object_row(serial) for serial in required_list(row, "serials")]
    return PartnerParcel(
        required_member(row, "carrier", _CARRIERS),
        required_text(row, "tracking_number"),
        tuple((required_text(s, "sku"), required_text(s, "serial")) for s in serials),
    )
