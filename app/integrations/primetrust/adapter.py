"""Prime Trust as a custodian."""

from collections.abc import Callable, Sequence
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
from app.integrations.primetrust.client import PrimeTrustClient
from app.kit import clock
from app.kit.money import Amount, Asset
from app.providers.errors import ProviderOutcomeUnknown

T = TypeVar("T")

NAME = "primetrust"
TRANSFERS = "asset-transfers"
#: As contracted; what a disbursement did cost, its transfer says.
SEND_FEES = (Amount.parse(PAXG, "0.0005"), Amount.parse(USDC, "2.5"))
_PAGE = 50
_CLOCKS_DIFFER = timedelta(hours=1)
_NETWORKS = {Network.ETHEREUM: "ethereum"}
_DIRECTIONS = {"incoming": Direction.IN, "outgoing": Direction.OUT}
_STATES = {
    "pending": TransferState.PENDING,
    "settled": TransferState.COMPLETED,
    "cancelled": TransferState.FAILED,
    "reversed": TransferState.FAILED,
}


class PrimeTrustCustodian:
    """A `Custodian` on one account."""

    name = NAME
    provider_id = provider_ids.PRIMETRUST
    terms: Sequence[CustodyTerms] = tuple(
        CustodyTerms(cost.asset, Network.ETHEREUM, cost) for cost in SEND_FEES
    )

    def __init__(
        self, client: PrimeTrustClient, caller: ProviderCaller, *, account_id: str
    ) -> None:
        self._client, self._caller, self._account_id = client, caller, account_id

    def create_address(self, reference: str, asset: Asset, network: Network) -> str:
        asked = {
            "account-id": self._account_id,
            "asset-id": asset.code,
            "asset-transfer-type": _NETWORKS[network],
            "transfer-direction": "incoming",
            "single-use": False,
            "label": reference,
        }
        do = partial(self._client.post, "asset-transfer-methods", asked, reference=reference)
        made = self._ask("addresses.create", do, reference)
        return response_parsing.required_text(
            response_parsing.required_object(made, "attributes"), "wallet-address"
        )

    def send(self, order: SendOrder) -> CustodyTransfer:
        asked = {
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
        made = self._caller.call(
            "disbursements.create",
            partial(self._client.post, kind, asked, reference=reference),
            reference=reference,
            idempotent=False,
        )
        return _transfer(made)

    def find(self, reference: str, *, since: datetime) -> CustodyTransfer | None:
        asked = {"filter[reference eq]": reference, **_from(since - _CLOCKS_DIFFER)}
        found = [_transfer(each) for each in self._all(asked, reference) if _is_ours(each)]
        return next((each for each in found if each.reference == reference), None)

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        path = f"/v2/{TRANSFERS}/{quote(provider_ref, safe='')}"
        found = self._ask("transfers.get", partial(self._client.get, path), provider_ref)
        if found is None:
            return None
        data = response_parsing.required_object(found, "data")
        return _transfer(data) if _is_ours(data) else None

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> list[CustodyTransfer]:
        found = [_transfer(each) for each in self._all(_from(since), "list") if _is_ours(each)]
        return [each for each in found if direction in {None, each.direction}]

    def balances(self) -> list[CustodianBalance]:
        asked = {"filter[account-id eq]": self._account_id}
        do = partial(self._client.get, "/v2/account-asset-totals", asked)
        items = response_parsing.required_objects(
            _there(self._ask("balances.list", do, "balances")), "data"
        )
        found = []
        for attributes in (response_parsing.required_object(item, "attributes") for item in items):
            asset = TRADABLE.get(response_parsing.required_text(attributes, "asset-id"))
            if asset is not None:
                available = response_parsing.required_amount(attributes, "available", asset)
                found.append(
                    CustodianBalance(
                        available, response_parsing.required_amount(attributes, "settled", asset)
                    )
                )
        return found

    def _all(self, asked: dict[str, Any], reference: str) -> list[dict[str, Any]]:
        """Every transfer of the account that the filters leave, oldest first, page by page."""
        found: list[dict[str, Any]] = []
        number = 1
        while True:
            params = {
                "filter[account-id eq]": self._account_id,
                "sort": "created-at",
                "page[size]": _PAGE,
                "page[number]": number,
                **asked,
            }
            do = partial(self._client.get, f"/v2/{TRANSFERS}", params)
            items = response_parsing.required_objects(
                _there(self._ask("transfers.list", do, reference)), "data"
            )
            found += items
            if len(items) < _PAGE:
                return found
            number += 1

    def _ask(self, operation: str, do: Callable[[], T], reference: str) -> T:
        return self._caller.call(operation, do, reference=reference, idempotent=True)


def _from(since: datetime) -> dict[str, str]:
    return {"filter[created-at gte]": clock.rfc3339(since)}


def _there(found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        raise ProviderOutcomeUnknown("there is no such list")
    return found


def _is_ours(data: dict[str, Any]) -> bool:
    """Whether it is about an asset that we keep there."""
    return response_parsing.required_object(data, "attributes").get("asset-id") in TRADABLE


def _transfer(data: dict[str, Any]) -> CustodyTransfer:
    attributes = response_parsing.required_object(data, "attributes")
    asset = TRADABLE.get(response_parsing.required_text(attributes, "asset-id"))
    direction = _DIRECTIONS.get(response_parsing.required_text(attributes, "transfer-direction"))
    state = _STATES.get(response_parsing.required_text(attributes, "status"))
    if asset is None or direction is None or state is None:
        raise ProviderOutcomeUnknown("the answer is about no transfer that we know")
    return CustodyTransfer(
        provider_ref=response_parsing.required_text(data, "id"),
        direction=direction,
        state=state,
        amount=response_parsing.required_amount(attributes, "unit-count", asset),
        address=response_parsing.optional_text(attributes, "wallet-address"),
        at=response_parsing.required_instant(attributes, "created-at"),
        reference=response_parsing.optional_text(attributes, "reference"),
        cost=response_parsing.required_amount(attributes, "fee", asset),
        tx_hash=response_parsing.optional_text(attributes, "transaction-hash"),
        code=response_parsing.optional_text(attributes, "cancellation-reason"),
    )
