"""Anchorage as a custodian."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.catalog import provider_ids
from app.catalog.rules import PAXG, TRADABLE, USDC
from app.custody.ports import (
    CustodianBalance,
    CustodyTerms,
    CustodyTransfer,
    Direction,
    Network,
    SendOrder,
    TransferState,
)
from app.integrations import response_parsing
from app.integrations.anchorage.client import AnchorageClient
from app.integrations.http_calls import ProviderCaller
from app.kit.errors import MalformedRequest
from app.kit.money import Amount, Asset
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

T = TypeVar("T")

NAME = "anchorage"
#: As contracted; what a transfer did cost, it says itself.
SEND_FEES = (Amount.parse(PAXG, "0.0008"), Amount.parse(USDC, "4"))
_PAGE = 100
_A_DAY = timedelta(days=1)
_NETWORKS = {Network.ETHEREUM: "ETH"}
_TRANSFERS = {
    "QUEUED": TransferState.PENDING,
    "IN_PROGRESS": TransferState.PENDING,
    "COMPLETED": TransferState.COMPLETED,
    "FAILED": TransferState.FAILED,
}
_TRANSACTIONS = {
    "SUCCESS": TransferState.COMPLETED,
    "FAILURE": TransferState.FAILED,
    "REJECTED": TransferState.FAILED,
    "EXPIRED": TransferState.FAILED,
}


class AnchorageCustodian:
    """A `Custodian` on one vault. `address_key` is the house's own there, as hex: it shows that an
    address is one of ours."""

    name = NAME
    provider_id = provider_ids.ANCHORAGE
    terms: Sequence[CustodyTerms] = tuple(
        CustodyTerms(cost.asset, Network.ETHEREUM, cost) for cost in SEND_FEES
    )

    def __init__(
        self, client: AnchorageClient, caller: ProviderCaller, *, vault_id: str, address_key: str
    ) -> None:
        self._client, self._caller, self._vault_id = client, caller, vault_id
        self._address_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(address_key))

    def create_address(self, reference: str, asset: Asset, network: Network) -> str:
        asked = {
            "assetType": asset.code,
            "networkId": _NETWORKS[network],
            "idempotentId": reference,
        }
        path = f"/vaults/{self._vault_id}/addresses"
        made = self._ask("addresses.create", partial(self._client.post, path, asked), reference)
        return self._verified(response_parsing.required_object(made, "data"))

    def _verified(self, document: dict[str, Any]) -> str:
        """The address, if it was made for us and by none in between."""
        address = response_parsing.required_text(document, "address")
        try:
            payload = bytes.fromhex(
                response_parsing.required_text(document, "addressSignaturePayload")
            )
            signature = bytes.fromhex(response_parsing.required_text(document, "signature"))
            self._address_key.verify(signature, payload)
            named = response_parsing.parse_body(payload).get("TextAddress")
        except (ValueError, InvalidSignature, MalformedRequest) as error:
            raise ProviderRefused("address-not-signed") from error
        if named != address:
            raise ProviderRefused("address-not-signed")
        return address

    def send(self, order: SendOrder) -> CustodyTransfer:
        asked = {
            "source": {"id": self._vault_id, "type": "VAULT"},
            "destination": {"id": order.address, "type": "ADDRESS"},
            "assetType": order.amount.asset.code,
            "amount": str(order.amount),
            "deductFeeFromAmountIfSameType": False,
            "idempotentId": order.reference,
            "transferMemo": order.reference,
        }
        made = self._caller.call(
            "transfers.create",
            partial(self._client.post, "/transfers", asked),
            reference=order.reference,
            idempotent=False,
        )
        identifier = response_parsing.required_text(
            response_parsing.required_object(made, "data"), "transferId"
        )
        try:
            found = self._sent(identifier)
        except (ProviderUnavailable, ProviderRefused) as error:
            raise ProviderOutcomeUnknown(
                f"it took the transfer, and does not say more: {error}"
            ) from error
        if found is None:
            raise ProviderOutcomeUnknown("it took the transfer, and does not know it")
        return found

    def find(self, reference: str, *, since: datetime) -> CustodyTransfer | None:
        """By the memo: transfers cannot be asked for by `idempotentId`."""
        items = self._all("/transfers", since - _A_DAY, reference)
        return next((_sent(item) for item in items if item.get("transferMemo") == reference), None)

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        return self._sent(provider_ref) or self._received(provider_ref)

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> list[CustodyTransfer]:
        """Both lists know days only, and what came in is listed by the day when it was final."""
        found: list[CustodyTransfer] = []
        if direction is not Direction.OUT:
            items = self._all("/transactions", since, "list", types="DEPOSIT")
            found += [_received(item) for item in items if _is_ours(item)]
        if direction is not Direction.IN:
            items = self._all("/transfers", since, "list")
            found += [_sent(item) for item in items if _is_ours(item)]
        return sorted(found, key=lambda each: each.at)

    def balances(self) -> list[CustodianBalance]:
        path = f"/vaults/{self._vault_id}"
        found = self._ask("balances.list", partial(self._client.get, path), "balances")
        if found is None:
            raise ProviderOutcomeUnknown("there is no such vault")
        holdings = []
        for item in response_parsing.required_objects(
            response_parsing.required_object(found, "data"), "assets"
        ):
            asset = TRADABLE.get(response_parsing.required_text(item, "assetType"))
            if asset is not None:
                available = response_parsing.required_object(item, "availableBalance")
                total = response_parsing.required_object(item, "totalBalance")
                holdings.append(
                    CustodianBalance(
                        response_parsing.required_amount(available, "quantity", asset),
                        response_parsing.required_amount(total, "quantity", asset),
                    )
                )
        return holdings

    def fetch_webhook_key(self) -> str:
        """The key that its webhooks are signed with, in hex."""
        do = partial(self._client.get, "/webhook/validation-key")
        found = self._ask("webhooks.key", do, "webhooks")
        if found is None:
            raise ProviderOutcomeUnknown("there is no key")
        return response_parsing.required_text(found, "value")

    def _sent(self, identifier: str) -> CustodyTransfer | None:
        found = self._get("transfers.get", "/transfers", identifier)
        return None if found is None or not _is_ours(found) else _sent(found)

    def _received(self, identifier: str) -> CustodyTransfer | None:
        found = self._get("transactions.get", "/transactions", identifier)
        is_deposit = found is not None and found.get("transactionType") == "DEPOSIT"
        return _received(found) if found is not None and is_deposit and _is_ours(found) else None

    def _get(self, operation: str, path: str, identifier: str) -> dict[str, Any] | None:
        do = partial(self._client.get, f"{path}/{quote(identifier, safe='')}")
        found = self._ask(operation, do, identifier)
        return None if found is None else response_parsing.required_object(found, "data")

    def _all(self, path: str, since: datetime, reference: str, **also: str) -> list[dict[str, Any]]:
        """Everything of the vault since the day of `since`, page by page."""
        found: list[dict[str, Any]] = []
        asked: dict[str, Any] = {
            "vaultId": self._vault_id,
            "startDate": since.date().isoformat(),
            "limit": _PAGE,
            **also,
        }
        while True:
            do = partial(self._client.get, path, dict(asked))
            page = self._ask(f"{path.strip('/')}.list", do, reference)
            if page is None:
                raise ProviderOutcomeUnknown("there is no such list")
            items = response_parsing.required_objects(page, "data")
            found += items
            if len(items) < _PAGE:
                return found
            asked["afterId"] = response_parsing.required_text(
                items[-1], "transferId" if path == "/transfers" else "id"
            )

    def _ask(self, operation: str, do: Callable[[], T], reference: str) -> T:
        return self._caller.call(operation, do, reference=reference, idempotent=True)


def _is_ours(document: dict[str, Any]) -> bool:
    """Whether it is about an asset that we keep there."""
    return document.get("assetType") in TRADABLE


def _amount_of(document: dict[str, Any]) -> Amount:
    asset = TRADABLE.get(response_parsing.required_text(document, "assetType"))
    if asset is None:
        raise ProviderOutcomeUnknown("the answer is about no asset that we know")
    return response_parsing.required_amount(
        response_parsing.required_object(document, "amount"), "quantity", asset
    )


def _sent(document: dict[str, Any]) -> CustodyTransfer:
    amount, fee = _amount_of(document), document.get("fee")
    state = _TRANSFERS.get(response_parsing.required_text(document, "status"))
    if state is None:
        raise ProviderOutcomeUnknown("the answer is about no transfer that we know")
    is_same = isinstance(fee, dict) and fee.get("assetType") == amount.asset.code
    error = document.get("error")
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(document, "transferId"),
        direction=Direction.OUT,
        state=state,
        amount=amount,
        address=response_parsing.required_text(
            response_parsing.required_object(document, "destination"), "id"
        ),
        at=response_parsing.required_instant(document, "createdAt"),
        reference=response_parsing.optional_text(document, "transferMemo"),
        cost=response_parsing.required_amount(
            response_parsing.required_object(document, "fee"), "quantity", amount.asset
        )
        if is_same
        else None,
        tx_hash=response_parsing.optional_text(document, "blockchainTxId"),
        code=response_parsing.optional_text(error, "errorType") if isinstance(error, dict) else "",
    )


def _received(document: dict[str, Any]) -> CustodyTransfer:
    addresses = document.get("destinationAddresses")
    if not isinstance(addresses, list) or not addresses or not isinstance(addresses[0], str):
        raise ProviderOutcomeUnknown("the answer does not say where it came to")
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(document, "id"),
        direction=Direction.IN,
        state=_TRANSACTIONS.get(
            response_parsing.required_text(document, "status"), TransferState.PENDING
        ),
        amount=_amount_of(document),
        address=addresses[0],
        at=response_parsing.required_instant(document, "dateTime"),
        tx_hash=response_parsing.optional_text(document, "blockchainTxId"),
    )
