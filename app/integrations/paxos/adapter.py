"""Paxos as a custodian."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

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
from app.integrations.http_calls import ProviderCaller
from app.integrations.paxos.client import PaxosClient, ReferenceAlreadyUsed
from app.kit import clock
from app.kit.money import Amount, Asset
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

T = TypeVar("T")

NAME = "paxos"
#: As contracted; what a withdrawal did cost, its transfer says.
SEND_FEES = (Amount.parse(PAXG, "0.0002"), Amount.parse(USDC, "1"))
_PAGE = 100
_CLOCKS_DIFFER = timedelta(hours=1)
_TYPES = {Direction.IN: "CRYPTO_DEPOSIT", Direction.OUT: "CRYPTO_WITHDRAWAL"}
_DIRECTIONS = {kind: direction for direction, kind in _TYPES.items()}
_STATES = {
    "PENDING": TransferState.PENDING,
    "COMPLETED": TransferState.COMPLETED,
    "FAILED": TransferState.FAILED,
}


class PaxosCustodian:
    """A `Custodian` on one profile."""

    name = NAME
    provider_id = provider_ids.PAXOS
    terms: Sequence[CustodyTerms] = tuple(
        CustodyTerms(cost.asset, Network.ETHEREUM, cost) for cost in SEND_FEES
    )

    def __init__(self, client: PaxosClient, caller: ProviderCaller, *, profile_id: str) -> None:
        self._client, self._caller, self._profile_id = client, caller, profile_id

    def create_address(self, reference: str, asset: Asset, network: Network) -> str:
        """One address takes every token of its network; for which it was made is only noted."""
        asked = {
            "profile_id": self._profile_id,
            "crypto_network": network,
            "ref_id": reference,
            "metadata": {"asset": asset.code},
        }
        try:
            made = self._ask(
                "addresses.create",
                partial(self._client.post, "/transfer/deposit-addresses", asked),
                reference,
            )
        except ReferenceAlreadyUsed:
            made = self._one("addresses.list", "/transfer/deposit-addresses", reference) or {}
        return response_parsing.required_text(made, "address")

    def send(self, order: SendOrder) -> CustodyTransfer:
        asked = {
            "profile_id": self._profile_id,
            "asset": order.amount.asset.code,
            "amount": str(order.amount),
            "destination_address": order.address,
            "crypto_network": order.network,
            "ref_id": order.reference,
        }
        try:
            made = self._caller.call(
                "withdrawals.create",
                partial(self._client.post, "/transfer/crypto-withdrawals", asked),
                reference=order.reference,
                idempotent=False,
            )
        except ReferenceAlreadyUsed:
            return self._sent_before(order)
        return _transfer(made)

    def _sent_before(self, order: SendOrder) -> CustodyTransfer:
        """It knows the reference: whatever is not learned now, it may have sent."""
        try:
            found = self._one("transfers.list", "/transfer/transfers", order.reference)
        except (ProviderUnavailable, ProviderRefused) as error:
            raise ProviderOutcomeUnknown(
                f"it knows the reference, and does not say more: {error}"
            ) from (error)
        if found is None:
            raise ProviderOutcomeUnknown("it knows the reference, and does not find it")
        return _transfer(found)

    def find(self, reference: str, *, since: datetime) -> CustodyTransfer | None:
        begin = {"created_at.gte": clock.rfc3339(since - _CLOCKS_DIFFER)}
        found = self._one("transfers.list", "/transfer/transfers", reference, begin)
        return None if found is None else _transfer(found)

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        path = f"/transfer/transfers/{quote(provider_ref, safe='')}"
        found = self._ask("transfers.get", partial(self._client.get, path), provider_ref)
        return None if found is None or not _is_ours(found) else _transfer(found)

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> list[CustodyTransfer]:
        asked: dict[str, Any] = {
            "profile_ids": self._profile_id,
            "type": [_TYPES[direction]] if direction else list(_DIRECTIONS),
            "created_at.gte": clock.rfc3339(since),
            "order_by": "CREATED_AT",
            "order": "ASC",
            "limit": _PAGE,
        }
        found: list[CustodyTransfer] = []
        while True:
            page = self._list("transfers.list", "/transfer/transfers", asked, "list")
            items = response_parsing.required_objects(page, "items")
            found += [_transfer(item) for item in items if _is_ours(item)]
            cursor = response_parsing.optional_text(page, "next_page_cursor")
            if not cursor or len(items) < _PAGE:
                return found
            asked["page_cursor"] = cursor

    def balances(self) -> list[CustodianBalance]:
        path = f"/profiles/{self._profile_id}/balances"
        asked = {"assets": [terms.asset.code for terms in self.terms]}
        items = response_parsing.required_objects(
            self._list("balances.list", path, asked, "balances"), "items"
        )
        found = []
        for item in items:
            asset = TRADABLE.get(response_parsing.required_text(item, "asset"))
            if asset is not None:
                available = response_parsing.required_amount(item, "available", asset)
                trading = response_parsing.required_amount(item, "trading", asset)
                found.append(CustodianBalance(available, available + trading))
        return found

    def get_event(self, event_id: str) -> dict[str, Any] | None:
        """The event of that id, as webhooks have it; None if it sent none."""
        return self._ask("events.get", partial(self._client.get, f"/events/{event_id}"), event_id)

    def _ask(self, operation: str, do: Callable[[], T], reference: str) -> T:
        return self._caller.call(operation, do, reference=reference, idempotent=True)

    def _list(
        self, operation: str, path: str, params: dict[str, Any], reference: str
    ) -> dict[str, Any]:
        found = self._ask(operation, partial(self._client.get, path, params), reference)
        if found is None:
            raise ProviderOutcomeUnknown(f"there is no {path}")
        return found

    def _one(
        self, operation: str, path: str, reference: str, also: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """The one thing with our reference."""
        asked = {"profile_ids": self._profile_id, "ref_ids": reference, **(also or {})}
        items = response_parsing.required_objects(
            self._list(operation, path, asked, reference), "items"
        )
        return next((item for item in items if item.get("ref_id") == reference), None)


def _is_ours(document: dict[str, Any]) -> bool:
    """Whether it is about a token that we keep there."""
    return document.get("type") in _DIRECTIONS and document.get("asset") in TRADABLE


def _transfer(document: dict[str, Any]) -> CustodyTransfer:
    asset = TRADABLE.get(response_parsing.required_text(document, "asset"))
    direction = _DIRECTIONS.get(response_parsing.required_text(document, "type"))
    state = _STATES.get(response_parsing.required_text(document, "status"))
    if asset is None or direction is None or state is None:
        raise ProviderOutcomeUnknown("the answer is about no transfer that we know")
    reason = document.get("secondary_status")
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(document, "id"),
        direction=direction,
        state=state,
        amount=response_parsing.required_amount(document, "amount", asset),
        address=response_parsing.optional_text(document, "destination_address"),
        at=response_parsing.required_instant(document, "created_at"),
        reference=response_parsing.optional_text(document, "ref_id"),
        cost=response_parsing.required_amount(document, "fee", asset),
        tx_hash=response_parsing.optional_text(document, "crypto_tx_hash"),
        code=response_parsing.optional_text(reason, "name").lower()
        if isinstance(reason, dict)
        else "",
    )
