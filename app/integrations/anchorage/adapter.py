"""Anchorage as a custodian."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

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
from app.integrations.anchorage.client import AnchorageClient
from app.integrations.custodian import BaseCustodian, read_balances, read_pages
from app.integrations.http_calls import ProviderCaller
from app.integrations.response_parsing import JsonObject
from app.kit.errors import MalformedRequest
from app.kit.money import Amount, Asset
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused

NAME = "anchorage"
_PAGE = 100
_DAY = timedelta(days=1)
_NETWORKS = {Network.ETHEREUM: "ETH"}
_TRANSFER_STATES = {
    "QUEUED": TransferState.PENDING,
    "IN_PROGRESS": TransferState.PENDING,
    "COMPLETED": TransferState.COMPLETED,
    "FAILED": TransferState.FAILED,
}
_TRANSACTION_STATES = {
    "SUCCESS": TransferState.COMPLETED,
    "FAILURE": TransferState.FAILED,
    "REJECTED": TransferState.FAILED,
    "EXPIRED": TransferState.FAILED,
}


class AnchorageCustodian(BaseCustodian[AnchorageClient]):
    """A `Custodian` with one vault.

    `address_key` is the public half of our own key at Anchorage, in hex: its signature proves that
    an address is ours.
    """

    name = NAME
    provider_id = provider_ids.ANCHORAGE
    send_fees = (Amount.parse(PAXG, "0.0008"), Amount.parse(USDC, "4"))

    def __init__(
        self, client: AnchorageClient, caller: ProviderCaller, *, account_id: str, address_key: str
    ) -> None:
        super().__init__(client, caller, account_id=account_id)
        self._address_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(address_key))

    def create_address(self, reference: str, asset: Asset, network: Network) -> str:
        parameters = {
            "assetType": asset.code,
            "networkId": _NETWORKS[network],
            "idempotentId": reference,
        }
        path = f"/vaults/{self._account_id}/addresses"
        payload = self._call(
            "addresses.create", partial(self._client.post, path, parameters), reference
        )
        return self._verified_address(response_parsing.required_object(payload, "data"))

    def _verified_address(self, address_data: dict[str, Any]) -> str:
        """Return the address if our key signed it: it was not replaced in transit then."""
        address = response_parsing.required_text(address_data, "address")
        try:
            payload = bytes.fromhex(
                response_parsing.required_text(address_data, "addressSignaturePayload")
            )
            signature = bytes.fromhex(response_parsing.required_text(address_data, "signature"))
            self._address_key.verify(signature, payload)
            signed_address = response_parsing.parse_body(payload).get("TextAddress")
        except (ValueError, InvalidSignature, MalformedRequest) as error:
            raise ProviderRefused("address-not-signed") from error
        if signed_address != address:
            raise ProviderRefused("address-not-signed")
        return address

    def send(self, order: SendOrder) -> CustodyTransfer:
        parameters = {
            "source": {"id": self._account_id, "type": "VAULT"},
            "destination": {"id": order.address, "type": "ADDRESS"},
            "assetType": order.amount.asset.code,
            "amount": str(order.amount),
            "deductFeeFromAmountIfSameType": False,
            "idempotentId": order.reference,
            "transferMemo": order.reference,
        }
        payload = self._order(
            "transfers.create",
            partial(self._client.post, "/transfers", parameters),
            order.reference,
        )
        identifier = response_parsing.required_text(
            response_parsing.required_object(payload, "data"), "transferId"
        )
        return self._read_back(partial(self._get_sent, identifier))

    def find(self, reference: str, *, since: datetime) -> CustodyTransfer | None:
        """Return the transfer by its memo: transfers cannot be requested by `idempotentId`."""
        items = self._list("/transfers", since - _DAY, reference)
        return next((_sent(item) for item in items if item.get("transferMemo") == reference), None)

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        return self._get_sent(provider_ref) or self._get_received(provider_ref)

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> list[CustodyTransfer]:
        """Return transfers since the day of an instant; incoming ones count from the day they are
        final."""
        transfers: list[CustodyTransfer] = []
        if direction is not Direction.OUT:
            items = self._list("/transactions", since, "list", types="DEPOSIT")
            transfers += [_received(item) for item in items if _is_tradable(item)]
        if direction is not Direction.IN:
            items = self._list("/transfers", since, "list")
            transfers += [_sent(item) for item in items if _is_tradable(item)]
        return sorted(transfers, key=lambda transfer: transfer.at)

    def balances(self) -> list[CustodianBalance]:
        path = f"/vaults/{self._account_id}"
        payload = self._require("balances.list", partial(self._client.get, path), "balances")
        items = response_parsing.required_objects(
            response_parsing.required_object(payload, "data"), "assets"
        )
        return read_balances(items, "assetType", _balance)

    def fetch_webhook_key(self) -> str:
        """Return the public key that signs webhooks, in hex."""
        fetch = partial(self._client.get, "/webhook/validation-key")
        payload = self._require("webhooks.key", fetch, "webhooks")
        return response_parsing.required_text(payload, "value")

    def _get_sent(self, identifier: str) -> CustodyTransfer | None:
        payload = self._get("transfers.get", "/transfers", identifier)
        return None if payload is None or not _is_tradable(payload) else _sent(payload)

    def _get_received(self, identifier: str) -> CustodyTransfer | None:
        payload = self._get("transactions.get", "/transactions", identifier)
        is_deposit = payload is not None and payload.get("transactionType") == "DEPOSIT"
        return (
            _received(payload)
            if payload is not None and is_deposit and _is_tradable(payload)
            else None
        )

    def _get(self, operation: str, path: str, identifier: str) -> dict[str, Any] | None:
        fetch = partial(self._client.get, f"{path}/{quote(identifier, safe='')}")
        payload = self._call(operation, fetch, identifier)
        return None if payload is None else response_parsing.required_object(payload, "data")

    def _list(
        self, path: str, since: datetime, reference: str, **filters: str
    ) -> list[dict[str, Any]]:
        """Return all entries of the vault since the day of `since`, page by page."""
        query: dict[str, Any] = {
            "vaultId": self._account_id,
            "startDate": since.date().isoformat(),
            "limit": _PAGE,
            **filters,
        }
        id_name = "transferId" if path == "/transfers" else "id"

        def fetch(before: list[dict[str, Any]]) -> list[dict[str, Any]]:
            if before:
                query["afterId"] = response_parsing.required_text(before[-1], id_name)
            send = partial(self._client.get, path, dict(query))
            page = self._require(f"{path.strip('/')}.list", send, reference)
            return response_parsing.required_objects(page, "data")

        return read_pages(fetch, _PAGE)


def _is_tradable(payload: dict[str, Any]) -> bool:
    """Return whether it is about an asset that we hold at Anchorage."""
    return payload.get("assetType") in TRADABLE


def _balance(item: JsonObject, asset: Asset) -> CustodianBalance:
    available = response_parsing.required_object(item, "availableBalance")
    total = response_parsing.required_object(item, "totalBalance")
    return CustodianBalance(
        response_parsing.required_amount(available, "quantity", asset),
        response_parsing.required_amount(total, "quantity", asset),
    )


def _amount_of(payload: dict[str, Any]) -> Amount:
    asset = response_parsing.required_member(payload, "assetType", TRADABLE)
    return response_parsing.required_amount(
        response_parsing.required_object(payload, "amount"), "quantity", asset
    )


def _sent(payload: dict[str, Any]) -> CustodyTransfer:
    amount, fee = _amount_of(payload), payload.get("fee")
    is_same_asset = isinstance(fee, dict) and fee.get("assetType") == amount.asset.code
    error = payload.get("error")
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(payload, "transferId"),
        direction=Direction.OUT,
        state=response_parsing.required_member(payload, "status", _TRANSFER_STATES),
        amount=amount,
        address=response_parsing.required_text(
            response_parsing.required_object(payload, "destination"), "id"
        ),
        at=response_parsing.required_instant(payload, "createdAt"),
        reference=response_parsing.optional_text(payload, "transferMemo"),
        cost=response_parsing.required_amount(
            response_parsing.required_object(payload, "fee"), "quantity", amount.asset
        )
        if is_same_asset
        else None,
        tx_hash=response_parsing.optional_text(payload, "blockchainTxId"),
        code=response_parsing.optional_text(error, "errorType") if isinstance(error, dict) else "",
    )


def _received(payload: dict[str, Any]) -> CustodyTransfer:
    addresses = payload.get("destinationAddresses")
    if not isinstance(addresses, list) or not addresses or not isinstance(addresses[0], str):
        raise ProviderOutcomeUnknown("The response has no destination address.")
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(payload, "id"),
        direction=Direction.IN,
        state=_TRANSACTION_STATES.get(
            response_parsing.required_text(payload, "status"), TransferState.PENDING
        ),
        amount=_amount_of(payload),
        address=addresses[0],
        at=response_parsing.required_instant(payload, "dateTime"),
        tx_hash=response_parsing.optional_text(payload, "blockchainTxId"),
    )
