"""The bank as a rail for incoming transfers and payouts."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from app.catalog.provider_ids import BANK
from app.catalog.rules import USD
from app.funding.ports import IncomingTransfer, Payout, PayoutOrder, PayoutState, VirtualAccount
from app.integrations.http_calls import ProviderCaller
from app.integrations.response_parsing import read_rows
from app.integrations.transport import parsing_response
from app.kit.clock import rfc3339
from app.kit.money import Amount
from app.providers.ports import Listing

T = TypeVar("T")
Document = dict[str, Any]

_STATES = {
    "accepted": PayoutState.SENT,
    "settled": PayoutState.COMPLETED,
    "failed": PayoutState.FAILED,
    "returned": PayoutState.RETURNED,
}


class BankApi(Protocol):
    """The methods of the client that the rail uses."""

    def put_account(self, reference: str, holder: str) -> Document: ...
    def get_arrival(self, identifier: str) -> Document: ...
    def list_arrivals(self, *, account: str = "", since: str = "") -> list[object]: ...
    def create_payout(self, order: Document, *, key: str) -> Document: ...
    def find_payout(self, reference: str) -> Document | None: ...
    def list_payouts(self, since: str) -> list[object]: ...


class BankRail:
    """A rail for incoming transfers and for payouts."""

    name = "bank"
    provider_id = BANK

    def __init__(self, client: BankApi, caller: ProviderCaller) -> None:
        self._client = client
        self._caller = caller

    def virtual_account(self, reference: str, holder: str) -> VirtualAccount:
        """Return the account with our reference, with the holder's name of its creation."""

        def fetch() -> VirtualAccount:
            return _account(self._client.put_account(reference, holder))

        return self._call("accounts.put", fetch, reference)

    def transfers_to(self, account_ref: str) -> Listing[IncomingTransfer]:
        """Return every incoming transfer to one account."""

        def fetch() -> Listing[IncomingTransfer]:
            return read_rows(self._client.list_arrivals(account=account_ref), _incoming_transfer)

        return self._call("arrivals.of_account", fetch, account_ref)

    def transfers_since(self, since: datetime) -> Listing[IncomingTransfer]:
        """Return every incoming transfer since an instant."""

        def fetch() -> Listing[IncomingTransfer]:
            return read_rows(self._client.list_arrivals(since=rfc3339(since)), _incoming_transfer)

        return self._call("arrivals.list", fetch, "")

    def transfer(self, provider_ref: str) -> IncomingTransfer:
        """Return an incoming transfer."""

        def fetch() -> IncomingTransfer:
            return _incoming_transfer(self._client.get_arrival(provider_ref))

        return self._call("arrivals.look", fetch, provider_ref)

    def send(self, order: PayoutOrder) -> Payout:
        """Order a payout to `holder`, `account` and `routing`."""
        payload = {
            "reference": order.reference,
            "amount": str(order.amount),
            "currency": order.amount.asset.code,
            "holder": order.destination["holder"],
            "account_number": order.destination["account"],
            "routing_number": order.destination["routing"],
        }

        def send() -> Payout:
            return _payout(self._client.create_payout(payload, key=order.reference))

        return self._call("payouts.send", send, order.reference)

    def find(self, reference: str) -> Payout | None:
        """Return the payout with our reference."""

        def fetch() -> Payout | None:
            payload = self._client.find_payout(reference)
            return _payout(payload) if payload else None

        return self._call("payouts.find", fetch, reference)

    def payouts(self, since: datetime) -> Listing[Payout]:
        """Return every payout since an instant."""

        def fetch() -> Listing[Payout]:
            return read_rows(self._client.list_payouts(rfc3339(since)), _payout)

        return self._call("payouts.list", fetch, "")

    def _call(self, operation: str, send: Callable[[], T], reference: str) -> T:
        """Call the bank. Every request to this bank is idempotent."""
        return self._caller.call(operation, send, reference=reference, idempotent=True)


def _account(payload: Document) -> VirtualAccount:
    with parsing_response():
        return VirtualAccount(
            account_ref=_text(payload, "id"),
            details={
                "accountHolder": _text(payload, "holder"),
                "accountNumber": _text(payload, "account_number"),
                "routingNumber": _text(payload, "routing_number"),
                "bankName": _text(payload, "bank_name"),
            },
        )


def _incoming_transfer(payload: Document) -> IncomingTransfer:
    with parsing_response():
        return IncomingTransfer(
            provider_ref=_text(payload, "id"),
            account_ref=_text(payload, "account_id"),
            amount=_dollars(payload, "amount"),
            arrived_at=_instant(payload, "arrived_at"),
            is_returned=payload["returned_at"] is not None,
        )


def _payout(payload: Document) -> Payout:
    with parsing_response():
        fee = payload["fee"]
        return Payout(
            provider_ref=_text(payload, "id"),
            reference=_text(payload, "reference"),
            state=_STATES[payload["status"]],
            amount=_dollars(payload, "amount"),
            provider_id=BANK,
            cost=None if fee is None else _dollars(payload, "fee"),
            code=payload["code"] or "",
            evidence=payload["trace"] or "",
        )


def _text(payload: Document, name: str) -> str:
    value = payload[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _dollars(payload: Document, name: str) -> Amount:
    if payload["currency"] != USD.code:
        raise ValueError("The currency is not USD.")
    return Amount.parse(USD, _text(payload, name))


def _instant(payload: Document, name: str) -> datetime:
    instant = datetime.fromisoformat(_text(payload, name))
    if instant.tzinfo is None:
        raise ValueError("The time has no time zone.")
    return instant
