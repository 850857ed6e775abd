"""Prime Trust as a custodian."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from app.catalog import provider_ids
from app.catalog.rules import PAXG, TRADABLE, USDC
from app.custody.ports import (
    CustodianBalance,
    CustodyTransfer,
    Direction,
    Network,
    SendOrder,
    TransferState,
)
from app.integrations import response_parsing
from app.integrations.custodian import BaseCustodian, read_balances, read_pages
from app.integrations.primetrust.client import PrimeTrustClient
from app.integrations.response_parsing import JsonObject
from app.kit import clock
from app.kit.money import Amount, Asset

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
        transfers = [
            _transfer(item) for item in self._list_transfers(query, reference) if _is_tradable(item)
        ]
        return next((item for item in transfers if item.reference == reference), None)

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        path = f"/v2/{TRANSFERS}/{quote(provider_ref, safe='')}"
        payload = self._call("transfers.get", partial(self._client.get, path), provider_ref)
        if payload is None:
            return None
        data = response_parsing.required_object(payload, "data")
        return _transfer(data) if _is_tradable(data) else None

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> list[CustodyTransfer]:
        transfers = [
            _transfer(item)
            for item in self._list_transfers(_created_since(since), "list")
            if _is_tradable(item)
        ]
        return [item for item in transfers if direction in {None, item.direction}]

    def balances(self) -> list[CustodianBalance]:
        query = {"filter[account-id eq]": self._account_id}
        send = partial(self._client.get, "/v2/account-asset-totals", query)
        items = response_parsing.required_objects(
            self._require("balances.list", send, "balances"), "data"
        )
        attributes = [response_parsing.required_object(item, "attributes") for item in items]
        return read_balances(attributes, "asset-id", _balance)

    def _list_transfers(self, filters: dict[str, Any], reference: str) -> list[dict[str, Any]]:
        """Return the account's transfers that match the filters, oldest first, page by page."""

        def fetch(before: list[dict[str, Any]]) -> list[dict[str, Any]]:
            params = {
                "filter[account-id eq]": self._account_id,
                "sort": "created-at",
                "page[size]": _PAGE,
                "page[number]": 1 + len(before) // _PAGE,
                **filters,
            }
            send = partial(self._client.get, f"/v2/{TRANSFERS}", params)
            page = self._require("transfers.list", send, reference)
            return response_parsing.required_objects(page, "data")

        return read_pages(fetch, _PAGE)


def _created_since(since: datetime) -> dict[str, str]:
    return {"filter[created-at gte]": clock.rfc3339(since)}


def _is_tradable(data: dict[str, Any]) -> bool:
    """Return whether it is about an asset that we hold at Prime Trust."""
    return response_parsing.required_object(data, "attributes").get("asset-id") in TRADABLE


def _balance(attributes: JsonObject, asset: Asset) -> CustodianBalance:
    return CustodianBalance(
        response_parsing.required_amount(attributes, "available", asset),
        response_parsing.required_amount(attributes, "settled", asset),
    )


def _transfer(data: dict[str, Any]) -> CustodyTransfer:
    attributes = response_parsing.required_object(data, "attributes")
    asset = response_parsing.required_member(attributes, "asset-id", TRADABLE)
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(data, "id"),
        direction=response_parsing.required_member(attributes, "transfer-direction", _DIRECTIONS),
        state=response_parsing.required_member(attributes, "status", _STATES),
        amount=response_parsing.required_amount(attributes, "unit-count", asset),
        address=response_parsing.optional_text(attributes, "wallet-address"),
        at=response_parsing.required_instant(attributes, "created-at"),
        reference=response_parsing.optional_text(attributes, "reference"),
        cost=response_parsing.required_amount(attributes, "fee", asset),
        tx_hash=response_parsing.optional_text(attributes, "transaction-hash"),
        code=response_parsing.optional_text(attributes, "cancellation-reason"),
    )
