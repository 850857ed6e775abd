"""Prime Trust as a custodian."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from app.catalog import provider_ids
from app.catalog.rules import PAXG, USDC
from app.custody.ports import (
    CustodianBalance,
    CustodyTransfer,
    Direction,
    Network,
    SendOrder,
    TransferState,
)
from app.integrations import response_parsing
from app.integrations.custodian import BaseCustodian, read_balances, read_pages, required_token
from app.integrations.primetrust.client import PrimeTrustClient
from app.integrations.response_parsing import JsonObject, object_row
from app.kit import clock
from app.kit.money import Amount, Asset
from app.providers.ports import Listing

NAME = "primetrust"
TRANSFERS = "asset-transfers"
_PAGE = 50
_CLOCK_SKEW_MAX = timedelta(hours=1)
_NETWORKS = {Network.ETHEREUM: "ethereum"}
_DIRECTIONS = {"incoming": Direction.IN, "outgoing": Direction.OUT}
_STATES = {
    "pending": TransferState.PENDING,
    "settled": TransferState.COMPLETED,
    "cancelled": TransferState.FAILED,
    "reversed": TransferState.FAILED,
}


class PrimeTrustCustodian(BaseCustodian[PrimeTrustClient]):
    """A `Custodian` with one account."""

    name = NAME
    provider_id = provider_ids.PRIMETRUST
    send_fees = (Amount.parse(PAXG, "0.0005"), Amount.parse(USDC, "2.5"))

    def create_address(self, reference: str, asset: Asset, network: Network) -> str:
        attributes = {
            "account-id": self._account_id,
            "asset-id": asset.code,
            "asset-transfer-type": _NETWORKS[network],
            "transfer-direction": "incoming",
            "single-use": False,
            "label": reference,
        }
        send = partial(self._client.post, "asset-transfer-methods", attributes, reference=reference)
        resource = self._call("addresses.create", send, reference)
        return response_parsing.required_text(
            response_parsing.required_object(resource, "attributes"), "wallet-address"
        )

    def send(self, order: SendOrder) -> CustodyTransfer:
        attributes = {
            "account-id": self._account_id,
            "asset-id": order.amount.asset.code,
            "unit-count": str(order.amount),
            "asset-transfer": {
                "asset-transfer-type": _NETWORKS[order.network],
                "wallet-address": order.address,
            },
            "reference": order.reference,
        }
        kind, reference = "asset-disbursements", order.reference
        resource = self._order(
            "disbursements.create",
            partial(self._client.post, kind, attributes, reference=reference),
            reference,
        )
        return _transfer(resource)

    def find(self, reference: str, *, since: datetime) -> CustodyTransfer | None:
        query = {"filter[reference eq]": reference, **_created_since(since - _CLOCK_SKEW_MAX)}
        own = (
            row for row in self._list_transfers(query, reference) if _reference(row) == reference
        )
        return next((_transfer(object_row(row)) for row in own), None)

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        path = f"/v2/{TRANSFERS}/{quote(provider_ref, safe='')}"
        payload = self._call("transfers.get", partial(self._client.get, path), provider_ref)
        if payload is None:
            return None
        return _transfer(response_parsing.required_object(payload, "data"))

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> Listing[CustodyTransfer]:
        def read(row: dict[str, Any]) -> CustodyTransfer | None:
            # The list has no filter for directions. A row of unknown direction is in both.
            attributes = response_parsing.required_object(row, "attributes")
            row_direction = _DIRECTIONS.get(str(attributes.get("transfer-direction")))
            is_asked_for = direction is None or row_direction in {None, direction}
            return _transfer(row) if is_asked_for else None

        rows = self._list_transfers(_created_since(since), "list")
        return response_parsing.read_rows(rows, read, read_time=_created_at)

    def balances(self) -> Listing[CustodianBalance]:
        query = {"filter[account-id eq]": self._account_id}
        send = partial(self._client.get, "/v2/account-asset-totals", query)
        items = response_parsing.required_list(
            self._require("balances.list", send, "balances"), "data"
        )
        attributes = [item.get("attributes") if isinstance(item, dict) else item for item in items]
        return read_balances(attributes, "asset-id", _balance)

    def _list_transfers(self, filters: dict[str, Any], reference: str) -> list[object]:
        """Return the account's transfers that match the filters, oldest first, page by page."""

        def fetch(before: list[object]) -> list[object]:
            params = {
                "filter[account-id eq]": self._account_id,
                "sort": "created-at",
                "page[size]": _PAGE,
                "page[number]": 1 + len(before) // _PAGE,
                **filters,
            }
            send = partial(self._client.get, f"/v2/{TRANSFERS}", params)
            page = self._require("transfers.list", send, reference)
            return response_parsing.required_list(page, "data")

        return read_pages(fetch, _PAGE)


def _created_since(since: datetime) -> dict[str, str]:
    return {"filter[created-at gte]": clock.rfc3339(since)}


def _reference(row: object) -> str:
    attributes = row.get("attributes") if isinstance(row, dict) else None
    if not isinstance(attributes, dict):
        return ""
    return response_parsing.optional_text(attributes, "reference")


def _created_at(data: dict[str, Any]) -> datetime:
    attributes = response_parsing.required_object(data, "attributes")
    return response_parsing.required_instant(attributes, "created-at")


def _balance(attributes: JsonObject, asset: Asset) -> CustodianBalance:
    return CustodianBalance(
        response_parsing.required_amount(attributes, "available", asset),
        response_parsing.required_amount(attributes, "settled", asset),
    )


def _transfer(data: dict[str, Any]) -> CustodyTransfer:
    attributes = response_parsing.required_object(data, "attributes")
    direction = response_parsing.required_member(attributes, "transfer-direction", _DIRECTIONS)
    address = response_parsing.optional_text(attributes, "wallet-address")
    quantity = response_parsing.required_text(attributes, "unit-count")
    asset = required_token(attributes, "asset-id", direction, quantity, address)
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(data, "id"),
        direction=direction,
        state=response_parsing.required_member(attributes, "status", _STATES),
        amount=response_parsing.required_amount(attributes, "unit-count", asset),
        address=address,
        at=_created_at(data),
        reference=response_parsing.optional_text(attributes, "reference"),
        cost=response_parsing.required_amount(attributes, "fee", asset),
        tx_hash=response_parsing.optional_text(attributes, "transaction-hash"),
        code=response_parsing.optional_text(attributes, "cancellation-reason"),
    )
