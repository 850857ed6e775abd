"""Anchorage as a custodian."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

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
from app.integrations.anchorage.client import AnchorageClient
from app.integrations.custodian import BaseCustodian, read_balances, read_pages, required_token
from app.integrations.http_calls import ProviderCaller
from app.integrations.response_parsing import JsonObject, read_rows, required_instant
from app.kit.errors import MalformedRequest
from app.kit.money import Amount, Asset
from app.providers.errors import ProviderRefused, ResponseUnreadable
from app.providers.ports import Listing

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
        objects = (item for item in items if isinstance(item, dict))
        own = (item for item in objects if item.get("transferMemo") == reference)
        return next((_sent(item) for item in own), None)

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        return self._get_sent(provider_ref) or self._get_received(provider_ref)

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> Listing[CustodyTransfer]:
        """Return transfers since the day of an instant; incoming ones count from the day they are
        final."""
        received: Listing[CustodyTransfer] = Listing(())
        sent: Listing[CustodyTransfer] = Listing(())
        if direction is not Direction.OUT:
            rows = self._list("/transactions", since, "list", types="DEPOSIT")
            received = read_rows(
                rows, _received, read_time=partial(required_instant, name="dateTime")
            )
        if direction is not Direction.IN:
            rows = self._list("/transfers", since, "list")
            read_time = partial(required_instant, name="createdAt")
            sent = read_rows(rows, _sent, id_name="transferId", read_time=read_time)
        transfers = sorted([*received, *sent], key=lambda transfer: transfer.at)
        return Listing(transfers, [*received.set_aside, *sent.set_aside])

    def balances(self) -> Listing[CustodianBalance]:
        path = f"/vaults/{self._account_id}"
        payload = self._require("balances.list", partial(self._client.get, path), "balances")
        items = response_parsing.required_list(
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
        return None if payload is None else _sent(payload)

    def _get_received(self, identifier: str) -> CustodyTransfer | None:
        payload = self._get("transactions.get", "/transactions", identifier)
        if payload is None or payload.get("transactionType") != "DEPOSIT":
            return None
        return _received(payload)

    def _get(self, operation: str, path: str, identifier: str) -> dict[str, Any] | None:
        fetch = partial(self._client.get, f"{path}/{quote(identifier, safe='')}")
        payload = self._call(operation, fetch, identifier)
        return None if payload is None else response_parsing.required_object(payload, "data")

    def _list(self, path: str, since: datetime, reference: str, **filters: str) -> list[object]:
        """Return all entries of the vault since the day of `since`, page by page."""
        query: dict[str, Any] = {
            "vaultId": self._account_id,
            "startDate": since.date().isoformat(),
            "limit": _PAGE,
            **filters,
        }
        id_name = "transferId" if path == "/transfers" else "id"

        def fetch(before: list[object]) -> list[object]:
            if before:
                query["afterId"] = response_parsing.last_id(before, id_name)
            send = partial(self._client.get, path, dict(query))
            page = self._require(f"{path.strip('/')}.list", send, reference)
            return response_parsing.required_list(page, "data")

        return read_pages(fetch, _PAGE)


def _balance(item: JsonObject, asset: Asset) -> CustodianBalance:
    available = response_parsing.required_object(item, "availableBalance")
    total = response_parsing.required_object(item, "totalBalance")
    return CustodianBalance(
        response_parsing.required_amount(available, "quantity", asset),
        response_parsing.required_amount(total, "quantity", asset),
    )


def _amount_of(payload: dict[str, Any], direction: Direction, address: str) -> Amount:
    amount = response_parsing.required_object(payload, "amount")
    quantity = response_parsing.required_text(amount, "quantity")
    asset = required_token(payload, "assetType", direction, quantity, address)
    return response_parsing.required_amount(amount, "quantity", asset)


def _sent(payload: dict[str, Any]) -> CustodyTransfer:
    destination = response_parsing.required_object(payload, "destination")
    address = response_parsing.required_text(destination, "id")
    amount, fee = _amount_of(payload, Direction.OUT, address), payload.get("fee")
    is_same_asset = isinstance(fee, dict) and fee.get("assetType") == amount.asset.code
    error = payload.get("error")
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(payload, "transferId"),
        direction=Direction.OUT,
        state=response_parsing.required_member(payload, "status", _TRANSFER_STATES),
        amount=amount,
        address=address,
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
        raise ResponseUnreadable("The response has no destination address.")
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(payload, "id"),
        direction=Direction.IN,
        state=_TRANSACTION_STATES.get(
            response_parsing.required_text(payload, "status"), TransferState.PENDING
        ),
        amount=_amount_of(payload, Direction.IN, addresses[0]),
        address=addresses[0],
        at=response_parsing.required_instant(payload, "dateTime"),
        tx_hash=response_parsing.optional_text(payload, "blockchainTxId"),
    )
