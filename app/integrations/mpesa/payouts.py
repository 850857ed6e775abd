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
_NO_SUCH_PAYOUT = "2032"
#: An order that got no answer may still be on its way to them for so long.
_ARRIVES_WITHIN = timedelta(minutes=2)
#: Each answer has us look, and each look would have us ask: so not again at once.
_ASKED_EVERY = timedelta(seconds=15)
_ENDS = {
    "Completed": PayoutState.COMPLETED,
    "Failed": PayoutState.FAILED,
    "Cancelled": PayoutState.FAILED,
    "Declined": PayoutState.FAILED,
    "Expired": PayoutState.FAILED,
}


class DarajaPayoutApi(Protocol):
    """What the rail needs of a client."""

    def send_payout(self, *, reference: str, phone: str, shillings: int, callback: str) -> str: ...
    def query_payout(self, reference: str, *, callback: str) -> None: ...


class MpesaPayouts:
    """A `PayoutRail`. Daraja answers what became of a payout only by calling back: `find` tells
    what came, and asks where nothing did."""

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
        self._memory = history

    def send(self, order: PayoutOrder) -> Payout:
        """Order it, to the phone in `destination`. Never repeated here without a look before."""
        phone, shillings = (
            to_msisdn(order.destination["phone"]),
            self._rate.shillings_to_pay_out(order.amount),
        )
        if not shillings:
            raise ProviderRefused("less_than_a_shilling")
        about = CallbackSubject(PAYOUT, order.reference, f"{order.amount.units}.{shillings}")

        def do() -> Payout:
            code = self._client.send_payout(
                reference=order.reference,
                phone=phone,
                shillings=shillings,
                callback=self._callbacks.url_for(about),
            )
            if code not in {_DONE, _DUPLICATE}:
                raise ProviderRefused(f"mpesa_{code}")
            return _payout(order.reference, PayoutState.SENT, order.amount)

        return self._caller.call(SEND_PAYOUT, do, reference=order.reference, idempotent=False)

    def find(self, reference: str) -> Payout | None:
        """The payout with our reference, once it ended; None if Daraja said, asked a while after
        we last ordered it, that it knows none. Otherwise asks, and raises `ProviderOutcomeUnknown`:
        the answer comes by itself."""
        told = self._memory.payout_history(reference)
        if told.results:
            return self._ended(told.results[-1])
        answers = [self._answered(each) for each in told.status_replies]
        ends = [answer for answer in answers if isinstance(answer, Payout)]
        if ends:
            return ends[-1]
        if answers and answers[-1] is _Known.NO and _counts(told):
            return None
        now = clock.now()
        if told.queried_at is not None and now < told.queried_at + _ASKED_EVERY:
            raise ProviderOutcomeUnknown("asked a moment ago; the answer comes by itself")
        about = CallbackSubject(STATUS, reference, str(int(now.timestamp())))

        def do() -> None:
            self._client.query_payout(reference, callback=self._callbacks.url_for(about))

        self._caller.call(QUERY_PAYOUT, do, reference=reference, idempotent=True)
        raise ProviderOutcomeUnknown("asked what became of it; the answer comes by itself")

    def payouts(self, since: datetime) -> list[Payout]:
        """Every payout that ended since then, as it was told: Daraja has no list of them."""
        return [self._ended(each) for each in self._memory.payout_results(since)]

    def _ended(self, event: StoredEvent) -> Payout:
        """What a call back about a payout says. Its detail are the sums that were agreed."""
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

    def _answered(self, event: StoredEvent) -> "Payout | _Known":
        """What it answered when it was asked."""
        with parsing_response():
            result = json.loads(event.body)["Result"]
            if str(result["ResultCode"]) == _NO_SUCH_PAYOUT:
                return _Known.NO
            known = _parameters(result)
            status = str(known["TransactionStatus"])
            if status not in _ENDS:
                return _Known.UNDER_WAY
            state, amount = _ENDS[status], self._rate.dollars_paid_out(int(str(known["Amount"])))
            if state is PayoutState.FAILED:
                return _payout(event.subject, state, amount, code=f"mpesa_{status.lower()}")
            return _payout(event.subject, state, amount, evidence=str(known["ReceiptNo"]))


class _Known(Enum):
    """An answer about a payout that did not end."""

    NO = "there is none"
    UNDER_WAY = "it may still end either way"


def _payout(
    reference: str, state: PayoutState, amount: Amount, *, code: str = "", evidence: str = ""
) -> Payout:
    return Payout(reference, reference, state, amount, MPESA, None, code, evidence)


def _counts(told: PayoutHistory) -> bool:
    """Whether that there is no such payout was asked long enough after we last ordered it."""
    if told.sent_at is None:
        return True
    asked_at = int(told.status_replies[-1].event_id.split(".")[2])
    return asked_at > (told.sent_at + _ARRIVES_WITHIN).timestamp()


def _parameters(result: Document) -> Mapping[str, object]:
    listed = result["ResultParameters"]["ResultParameter"]
    return {str(each["Key"]): each.get("Value") for each in listed}
