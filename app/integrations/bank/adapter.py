"""The bank as a rail for arrivals and for payouts."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from app.catalog.provider_ids import BANK
from app.catalog.rules import USD
from app.funding.ports import IncomingTransfer, Payout, PayoutOrder, PayoutState, VirtualAccount
from app.integrations.http_calls import ProviderCaller
from app.integrations.transport import parsing_response
from app.kit.clock import rfc3339
from app.kit.money import Amount

T = TypeVar("T")
Document = dict[str, Any]

_STATES = {
    "accepted": PayoutState.SENT,
    "settled": PayoutState.COMPLETED,
    "failed": PayoutState.FAILED,
    "returned": PayoutState.RETURNED,
}


class BankApi(Protocol):
    """What the rail needs of a client."""

    def put_account(self, reference: str, holder: str) -> Document: ...
    def get_arrival(self, identifier: str) -> Document: ...
    def list_arrivals(self, *, account: str = "", since: str = "") -> list[Document]: ...
    def create_payout(self, order: Document, *, key: str) -> Document: ...
    def find_payout(self, reference: str) -> Document | None: ...
    def list_payouts(self, since: str) -> list[Document]: ...


class BankRail:
    """An `IncomingTransferRail` and a `PayoutRail`."""

    name = "bank"
    provider_id = BANK

    def __init__(self, client: BankApi, caller: ProviderCaller) -> None:
        self._client = client
        self._caller = caller

    def virtual_account(self, reference: str, holder: str) -> VirtualAccount:
        """The account with our reference; its holder stays who it first was."""

        def do() -> VirtualAccount:
            return _account(self._client.put_account(reference, holder))

        return self._call("accounts.put", do, reference)

    def transfers_to(self, account_ref: str) -> list[IncomingTransfer]:
        """Everything that came in on one account."""

        def do() -> list[IncomingTransfer]:
            return [_arrival(each) for each in self._client.list_arrivals(account=account_ref)]

        return self._call("arrivals.of_account", do, account_ref)

    def transfers_since(self, since: datetime) -> list[IncomingTransfer]:
        """Everything that came in since then."""

        def do() -> list[IncomingTransfer]:
            return [_arrival(each) for each in self._client.list_arrivals(since=rfc3339(since))]

        return self._call("arrivals.list", do, "")

    def transfer(self, provider_ref: str) -> IncomingTransfer:
        """One of them."""

        def do() -> IncomingTransfer:
            return _arrival(self._client.get_arrival(provider_ref))

        return self._call("arrivals.look", do, provider_ref)

    def send(self, order: PayoutOrder) -> Payout:
        """Order it, to `holder`, `account` and `routing`."""
        asked = {
            "reference": order.reference,
            "amount": str(order.amount),
            "currency": order.amount.asset.code,
            "holder": order.destination["holder"],
            "account_number": order.destination["account"],
            "routing_number": order.destination["routing"],
        }

        def do() -> Payout:
            return _payout(self._client.create_payout(asked, key=order.reference))

        return self._call("payouts.send", do, order.reference)

    def find(self, reference: str) -> Payout | None:
        """The payout with our reference."""

        def do() -> Payout | None:
            found = self._client.find_payout(reference)
            return _payout(found) if found else None

        return self._call("payouts.find", do, reference)

    def payouts(self, since: datetime) -> list[Payout]:
        """Every payout since then."""

        def do() -> list[Payout]:
            return [_payout(each) for each in self._client.list_payouts(rfc3339(since))]

        return self._call("payouts.list", do, "")

    def _call(self, operation: str, do: Callable[[], T], reference: str) -> T:
        """All that this bank is asked may be asked again."""
        return self._caller.call(operation, do, reference=reference, idempotent=True)


def _account(document: Document) -> VirtualAccount:
    with parsing_response():
        return VirtualAccount(
            account_ref=_text(document, "id"),
            details={
                "accountHolder": _text(document, "holder"),
                "accountNumber": _text(document, "account_number"),
                "routingNumber": _text(document, "routing_number"),
                "bankName": _text(document, "bank_name"),
            },
        )


def _arrival(document: Document) -> IncomingTransfer:
    with parsing_response():
        return IncomingTransfer(
            provider_ref=_text(document, "id"),
            account_ref=_text(document, "account_id"),
            amount=_dollars(document, "amount"),
            arrived_at=_instant(document, "arrived_at"),
            is_returned=document["returned_at"] is not None,
        )


def _payout(document: Document) -> Payout:
    with parsing_response():
        fee = document["fee"]
        return Payout(
            provider_ref=_text(document, "id"),
            reference=_text(document, "reference"),
            state=_STATES[document["status"]],
            amount=_dollars(document, "amount"),
            provider_id=BANK,
            cost=None if fee is None else _dollars(document, "fee"),
            code=document["code"] or "",
            evidence=document["trace"] or "",
        )


def _text(document: Document, name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _dollars(document: Document, name: str) -> Amount:
    if document["currency"] != USD.code:
        raise ValueError("not in dollars")
    return Amount.parse(USD, _text(document, name))


def _instant(document: Document, name: str) -> datetime:
    instant = datetime.fromisoformat(_text(document, name))
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone")
    return instant
