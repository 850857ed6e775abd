"""Paxos as a custodian."""

from collections.abc import Mapping
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
from app.integrations.custodian import BaseCustodian, read_balances, required_token
from app.integrations.paxos.client import PaxosClient, ReferenceAlreadyUsed
from app.integrations.response_parsing import JsonObject
from app.kit import clock
from app.kit.money import Amount, Asset
from app.providers.ports import Listing

NAME = "paxos"
_PAGE = 100
_CLOCK_SKEW_MAX = timedelta(hours=1)
_TYPES = {Direction.IN: "CRYPTO_DEPOSIT", Direction.OUT: "CRYPTO_WITHDRAWAL"}
_DIRECTIONS = {kind: direction for direction, kind in _TYPES.items()}
_STATES = {
    "PENDING": TransferState.PENDING,
    "COMPLETED": TransferState.COMPLETED,
    "FAILED": TransferState.FAILED,
}


class PaxosCustodian(BaseCustodian[PaxosClient]):
    """A `Custodian` with one profile."""

    name = NAME
    provider_id = provider_ids.PAXOS
    send_fees = (Amount.parse(PAXG, "0.0002"), Amount.parse(USDC, "1"))

    def create_address(self, reference: str, asset: Asset, network: Network) -> str:
        """Return a deposit address, which takes every token of its network.

        The asset is only recorded.
        """
        parameters = {
            "profile_id": self._account_id,
            "crypto_network": network,
            "ref_id": reference,
            "metadata": {"asset": asset.code},
        }
        try:
            address = self._call(
                "addresses.create",
                partial(self._client.post, "/transfer/deposit-addresses", parameters),
                reference,
            )
        except ReferenceAlreadyUsed:
            address = (
                self._find_one("addresses.list", "/transfer/deposit-addresses", reference) or {}
            )
        return response_parsing.required_text(address, "address")

    def send(self, order: SendOrder) -> CustodyTransfer:
        parameters = {
            "profile_id": self._account_id,
            "asset": order.amount.asset.code,
            "amount": str(order.amount),
            "destination_address": order.address,
            "crypto_network": order.network,
            "ref_id": order.reference,
        }
        try:
            payload = self._order(
                "withdrawals.create",
                partial(self._client.post, "/transfer/crypto-withdrawals", parameters),
                order.reference,
            )
        except ReferenceAlreadyUsed:
            return self._read_back(partial(self._find_sent, order.reference))
        return _transfer(payload)

    def find(self, reference: str, *, since: datetime) -> CustodyTransfer | None:
        return self._find_sent(
            reference, {"created_at.gte": clock.rfc3339(since - _CLOCK_SKEW_MAX)}
        )

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        path = f"/transfer/transfers/{quote(provider_ref, safe='')}"
        payload = self._call("transfers.get", partial(self._client.get, path), provider_ref)
        return None if payload is None or not _is_token_transfer(payload) else _transfer(payload)

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> Listing[CustodyTransfer]:
        query: dict[str, Any] = {
            "profile_ids": self._account_id,
            "type": [_TYPES[direction]] if direction else list(_DIRECTIONS),
            "created_at.gte": clock.rfc3339(since),
            "order_by": "CREATED_AT",
            "order": "ASC",
            "limit": _PAGE,
        }
        rows: list[object] = []
        while True:
            page = self._list("transfers.list", "/transfer/transfers", query, "list")
            items = response_parsing.required_list(page, "items")
            rows += items
            cursor = response_parsing.optional_text(page, "next_page_cursor")
            if not cursor or len(items) < _PAGE:
                return response_parsing.read_rows(rows, _transfer, read_time=_created_at)
            query["page_cursor"] = cursor

    def balances(self) -> Listing[CustodianBalance]:
        path = f"/profiles/{self._account_id}/balances"
        query = {"assets": [terms.asset.code for terms in self.terms]}
        items = response_parsing.required_list(
            self._list("balances.list", path, query, "balances"), "items"
        )
        return read_balances(items, "asset", _balance)

    def get_event(self, event_id: str) -> dict[str, Any] | None:
        """Return an event by its ID, as in webhooks; None if Paxos has not sent it."""
        return self._call("events.get", partial(self._client.get, f"/events/{event_id}"), event_id)

    def _find_sent(
        self, reference: str, filters: Mapping[str, str] | None = None
    ) -> CustodyTransfer | None:
        payload = self._find_one("transfers.list", "/transfer/transfers", reference, filters)
        return None if payload is None else _transfer(payload)

    def _list(
        self, operation: str, path: str, params: dict[str, Any], reference: str
    ) -> dict[str, Any]:
        return self._require(operation, partial(self._client.get, path, params), reference)

    def _find_one(
        self, operation: str, path: str, reference: str, filters: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """Return the one object with our reference."""
        query = {"profile_ids": self._account_id, "ref_ids": reference, **(filters or {})}
        items = response_parsing.required_list(
            self._list(operation, path, query, reference), "items"
        )
        objects = (item for item in items if isinstance(item, dict))
        return next((item for item in objects if item.get("ref_id") == reference), None)


def _is_token_transfer(payload: dict[str, Any]) -> bool:
    """Return whether it is a transfer of tokens, and not for example of dollars."""
    return payload.get("type") in _DIRECTIONS


def _created_at(payload: dict[str, Any]) -> datetime:
    return response_parsing.required_instant(payload, "created_at")


def _balance(item: JsonObject, asset: Asset) -> CustodianBalance:
    available = response_parsing.required_amount(item, "available", asset)
    trading = response_parsing.required_amount(item, "trading", asset)
    return CustodianBalance(available, available + trading)


def _transfer(payload: dict[str, Any]) -> CustodyTransfer:
    direction = response_parsing.required_member(payload, "type", _DIRECTIONS)
    address = response_parsing.optional_text(payload, "destination_address")
    quantity = response_parsing.required_text(payload, "amount")
    asset = required_token(payload, "asset", direction, quantity, address)
    reason = payload.get("secondary_status")
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(payload, "id"),
        direction=direction,
        state=response_parsing.required_member(payload, "status", _STATES),
        amount=response_parsing.required_amount(payload, "amount", asset),
        address=address,
        at=_created_at(payload),
        reference=response_parsing.optional_text(payload, "ref_id"),
        cost=response_parsing.required_amount(payload, "fee", asset),
        tx_hash=response_parsing.optional_text(payload, "crypto_tx_hash"),
        code=response_parsing.optional_text(reason, "name").lower()
        if isinstance(reason, dict)
        else "",
    )
