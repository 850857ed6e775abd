"""Payouts to a phone."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol

from app.catalog.provider_ids import MPESA
from app.catalog.rules import USD
from app.funding.ports import Payout, PayoutOrder, PayoutState
from app.integrations.http_calls import ProviderCaller
from app.integrations.mpesa.call_history import (
    QUERY_PAYOUT,
    SEND_PAYOUT,
    CallHistory,
    PayoutHistory,
)
from app.integrations.mpesa.callbacks import NAME, PAYOUT, STATUS, CallbackSubject, DarajaCallbacks
from app.integrations.mpesa.exchange_rate import ExchangeRate
from app.integrations.mpesa.phone_numbers import to_msisdn
from app.integrations.transport import parsing_response
from app.kit import clock
from app.kit.money import Amount
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused
from app.providers.queries import StoredEvent

Document = dict[str, Any]

_DONE = "0"
_DUPLICATE = "15"
_PAYOUT_UNKNOWN = "2032"
#: How long an order without a response may still be in transit.
_TRANSIT_MAX = timedelta(minutes=2)
#: Minimum pause between queries: each reply makes us look, and each look would query again.
_QUERY_PAUSE = timedelta(seconds=15)
_FINAL_STATES = {
    "Completed": PayoutState.COMPLETED,
    "Failed": PayoutState.FAILED,
    "Cancelled": PayoutState.FAILED,
    "Declined": PayoutState.FAILED,
    "Expired": PayoutState.FAILED,
}


class DarajaPayoutApi(Protocol):
    """The methods of the client that payouts use."""

    def send_payout(self, *, reference: str, phone: str, shillings: int, callback: str) -> str: ...
    def query_payout(self, reference: str, *, callback: str) -> None: ...


class MpesaPayouts:
    """A `PayoutRail` whose results come only by callback.

    `find` reads what has come, and queries Daraja if nothing has.
    """

    name = NAME

    def __init__(
        self,
        client: DarajaPayoutApi,
        caller: ProviderCaller,
        rate: ExchangeRate,
        callbacks: DarajaCallbacks,
        history: CallHistory,
    ) -> None:
        self._client = client
        self._caller = caller
        self._rate = rate
        self._callbacks = callbacks
        self._history = history

    def send(self, order: PayoutOrder) -> Payout:
        """Order a payout to the phone in `destination`. Call `find` before repeating an order."""
        phone, shillings = (
            to_msisdn(order.destination["phone"]),
            self._rate.shillings_to_pay_out(order.amount),
        )
        if not shillings:
            raise ProviderRefused("less_than_a_shilling")
        subject = CallbackSubject(PAYOUT, order.reference, f"{order.amount.units}.{shillings}")

        def send_payout() -> Payout:
            code = self._client.send_payout(
                reference=order.reference,
                phone=phone,
                shillings=shillings,
                callback=self._callbacks.url_for(subject),
            )
            if code not in {_DONE, _DUPLICATE}:
                raise ProviderRefused(f"mpesa_{code}")
            return _payout(order.reference, PayoutState.SENT, order.amount)

        return self._caller.call(
            SEND_PAYOUT, send_payout, reference=order.reference, idempotent=False
        )

    def find(self, reference: str) -> Payout | None:
        """Return the payout with our reference once it ended.

        None if Daraja, queried long enough after our last order, does not know it. Otherwise
        queries Daraja and raises `ProviderOutcomeUnknown`: the reply comes by callback.
        """
        history = self._history.payout_history(reference)
        if history.results:
            return self._parse_result(history.results[-1])
        replies = [self._parse_status_reply(event) for event in history.status_replies]
        payouts = [reply for reply in replies if isinstance(reply, Payout)]
        if payouts:
            return payouts[-1]
        if replies and replies[-1] is _Unsettled.UNKNOWN and _was_queried_after_transit(history):
            return None
        now = clock.now()
        if history.queried_at is not None and now < history.queried_at + _QUERY_PAUSE:
            raise ProviderOutcomeUnknown(
                "Daraja was queried a moment ago; the reply comes by callback."
            )
        subject = CallbackSubject(STATUS, reference, str(int(now.timestamp())))

        def query() -> None:
            self._client.query_payout(reference, callback=self._callbacks.url_for(subject))

        self._caller.call(QUERY_PAYOUT, query, reference=reference, idempotent=True)
        raise ProviderOutcomeUnknown("Daraja was queried; the reply comes by callback.")

    def payouts(self, since: datetime) -> list[Payout]:
        """Return every payout that ended since an instant, from its callback: Daraja has no
        list."""
        return [self._parse_result(event) for event in self._history.payout_results(since)]

    def _parse_result(self, event: StoredEvent) -> Payout:
        """Return the payout in a result callback. Its subject's detail holds the agreed amounts."""
        with parsing_response():
            result = json.loads(event.body)["Result"]
            cents, shillings = (int(part) for part in event.event_id.split(".")[2:])
            if str(result["ResultCode"]) != _DONE:
                code = f"mpesa_{result['ResultCode']}"
                return _payout(event.subject, PayoutState.FAILED, Amount(USD, cents), code=code)
            sent = int(str(_parameters(result)["TransactionAmount"]))
            amount = Amount(USD, cents) if sent == shillings else self._rate.dollars_paid_out(sent)
            receipt = str(result["TransactionID"])
            return _payout(event.subject, PayoutState.COMPLETED, amount, evidence=receipt)

    def _parse_status_reply(self, event: StoredEvent) -> "Payout | _Unsettled":
        """Return the payout in a reply to a status query, or why it has not ended."""
        with parsing_response():
            result = json.loads(event.body)["Result"]
            if str(result["ResultCode"]) == _PAYOUT_UNKNOWN:
                return _Unsettled.UNKNOWN
            parameters = _parameters(result)
            status = str(parameters["TransactionStatus"])
            if status not in _FINAL_STATES:
                return _Unsettled.IN_PROGRESS
            state, amount = (
                _FINAL_STATES[status],
                self._rate.dollars_paid_out(int(str(parameters["Amount"]))),
            )
            if state is PayoutState.FAILED:
                return _payout(event.subject, state, amount, code=f"mpesa_{status.lower()}")
            return _payout(event.subject, state, amount, evidence=str(parameters["ReceiptNo"]))


class _Unsettled(Enum):
    """A status reply about a payout that has not ended."""

    UNKNOWN = "Daraja knows no such payout"
    IN_PROGRESS = "it may still end either way"


def _payout(
    reference: str, state: PayoutState, amount: Amount, *, code: str = "", evidence: str = ""
) -> Payout:
    return Payout(reference, reference, state, amount, MPESA, None, code, evidence)


def _was_queried_after_transit(history: PayoutHistory) -> bool:
    """Return whether the latest status reply answers a query long enough after our last order."""
    if history.sent_at is None:
        return True
    queried_at = int(history.status_replies[-1].event_id.split(".")[2])
    return queried_at > (history.sent_at + _TRANSIT_MAX).timestamp()


def _parameters(result: Document) -> Mapping[str, object]:
    entries = result["ResultParameters"]["ResultParameter"]
    return {str(entry["Key"]): entry.get("Value") for entry in entries}
