"""M-Pesa as a rail: payments that a customer confirms on their phone, and payouts to a phone."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Protocol

from app.catalog.provider_ids import MPESA
from app.catalog.rules import USD
from app.funding.ports import (
    Payment,
    PaymentRequest,
    PaymentState,
    Payout,
    PayoutOrder,
    PayoutState,
)
from app.integrations.http_calls import ProviderCaller
from app.integrations.mpesa.webhook import (
    NAME,
    OPEN_PAYMENT,
    PAYMENT,
    PAYOUT,
    QUERY_PAYOUT,
    SEND_PAYOUT,
    STATUS,
    CallbackSubject,
    CallHistory,
    DarajaCallbacks,
    PayoutHistory,
)
from app.integrations.transport import parsing_response
from app.kit import clock
from app.kit.money import Amount, Rounding, round_units
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused
from app.providers.queries import StoredEvent

Document = dict[str, Any]

#: Below this rate a shilling is more than a cent.
KES_PER_USD_MIN = 100
_KENYAN = re.compile(r"254[17][0-9]{8}", re.ASCII)
#: Length to which Daraja shows and stores our reference.
_NAME_LENGTH = 12
#: How far back Daraja's list of payments goes.
_LIST_RANGE = timedelta(days=2)
#: A reference is older than its first prompt by less than this.
_REFERENCE_AGE_MAX = timedelta(days=1)
_PAID = "0"
_WAITING = "4999"
_CODES = {
    "1": "insufficient_funds",
    "1019": "expired",
    "1032": "cancelled_by_customer",
    "1037": "phone_unreachable",
    "2001": "wrong_pin",
}
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


class ExchangeRate:
    """Shillings per dollar. Raises `ValueError` below 100."""

    def __init__(self, kes_per_usd: Decimal) -> None:
        if kes_per_usd < KES_PER_USD_MIN:
            raise ValueError("The rate is below 100 shillings for a dollar.")
        self._kes_per_cent = Fraction(kes_per_usd) / USD.unit

    def shillings_to_charge(self, amount: Amount) -> int:
        """Return the shillings that a customer pays for these dollars."""
        return self._shillings(amount, Rounding.UP)

    def dollars_charged(self, shillings: int) -> Amount:
        """Return the dollars for which a customer was charged these shillings."""
        return Amount(USD, round_units(shillings / self._kes_per_cent, Rounding.DOWN))

    def shillings_to_pay_out(self, amount: Amount) -> int:
        """Return the shillings that a customer receives for these dollars."""
        return self._shillings(amount, Rounding.DOWN)

    def dollars_paid_out(self, shillings: int) -> Amount:
        """Return the dollars for which a customer received these shillings."""
        return Amount(USD, round_units(shillings / self._kes_per_cent, Rounding.UP))

    def _shillings(self, amount: Amount, rounding: Rounding) -> int:
        if amount.asset != USD:
            raise ValueError("Only dollars can be converted.")
        return round_units(amount.units * self._kes_per_cent, rounding)


class DarajaApi(Protocol):
    """The methods of the client that the rails use."""

    def send_prompt(self, *, phone: str, shillings: int, name: str, callback: str) -> str: ...
    def query_prompt(self, identifier: str) -> str | None: ...
    def list_payments(self, since: datetime) -> list[Document]: ...
    def send_payout(self, *, reference: str, phone: str, shillings: int, callback: str) -> str: ...
    def query_payout(self, reference: str, *, callback: str) -> None: ...


class _MpesaRail:
    """What payments and payouts share."""

    name = NAME
    provider_id = MPESA

    def __init__(
        self,
        client: DarajaApi,
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


class MpesaPayments(_MpesaRail):
    """A `PaymentRail` that must not repeat a request: each repetition would prompt the phone again.

    A payment's `provider_ref` is the prompt's ID with our reference and the agreed amounts, because
    Daraja returns none of them. `find` and `payments` see payments made within two days, and no
    unanswered prompts; their `provider_ref` is the receipt.
    """

    repeatable = False

    def create(self, request: PaymentRequest) -> Payment:
        """Prompt the phone `source`. Refused with `phone_not_kenyan` before any request."""
        phone, shillings = to_msisdn(request.source), self._rate.shillings_to_charge(request.amount)
        detail = f"{request.amount.units}.{shillings}"
        callback = self._callbacks.url_for(CallbackSubject(PAYMENT, request.reference, detail))

        def send() -> Payment:
            prompt = self._client.send_prompt(
                phone=phone, shillings=shillings, name=_name(request.reference), callback=callback
            )
            return Payment(
                provider_ref=f"{prompt}.{request.reference}.{detail}",
                reference=request.reference,
                state=PaymentState.PENDING,
                amount=request.amount,
                instructions={"phone": f"+{phone}", "amountKes": str(shillings)},
            )

        return self._caller.call(OPEN_PAYMENT, send, reference=request.reference, idempotent=False)

    def fetch(self, provider_ref: str) -> Payment:
        """Return the state of the prompt. A customer pays all of it or nothing."""
        prompt, reference, amount, shillings = _parts(provider_ref)

        def send() -> Payment:
            code = self._client.query_prompt(prompt)
            state = _state(code)
            return Payment(
                provider_ref=provider_ref,
                reference=reference,
                state=state,
                amount=amount,
                code=_CODES.get(code or "", f"mpesa_{code}")
                if state is PaymentState.FAILED
                else "",
                instructions={"amountKes": shillings} if state is PaymentState.PENDING else {},
            )

        return self._caller.call("payments.look", send, reference=reference, idempotent=True)

    def find(self, reference: str) -> Payment | None:
        """Return the payment with our reference if it is paid, else None."""

        def send() -> Payment | None:
            payments = self._client.list_payments(clock.now() - _LIST_RANGE)
            own_payments = [
                payment for payment in payments if _paid_for(payment) == _name(reference)
            ]
            return self._payment(own_payments[0], reference) if own_payments else None

        return self._caller.call("payments.find", send, reference=reference, idempotent=True)

    def payments(self, since: datetime) -> list[Payment]:
        """Return every payment since an instant, two days ago at the earliest.

        Amounts are in dollars at today's rate. A payment that we did not request has the reference
        that its sender typed.
        """
        since = max(since, clock.now() - _LIST_RANGE)
        references = {
            _name(payment): payment
            for payment in self._history.requested_payments(since - _REFERENCE_AGE_MAX)
        }

        def send() -> list[Payment]:
            payments = self._client.list_payments(since)
            return [
                self._payment(payment, references.get(_paid_for(payment), ""))
                for payment in payments
            ]

        return self._caller.call("payments.list", send, reference="", idempotent=True)

    def _payment(self, payload: Document, reference: str) -> Payment:
        with parsing_response():
            return Payment(
                provider_ref=str(payload["transactionId"]),
                reference=reference or _paid_for(payload),
                state=PaymentState.PAID,
                amount=self._rate.dollars_charged(_shillings(payload["amount"])),
            )


def _state(code: str | None) -> PaymentState:
    if code is None or code == _WAITING:
        return PaymentState.PENDING
    return PaymentState.PAID if code == _PAID else PaymentState.FAILED


def _name(reference: str) -> str:
    """Return the end of our reference, which is random."""
    return reference[-_NAME_LENGTH:]


def _paid_for(payload: Document) -> str:
    with parsing_response():
        return str(payload["billreference"])


def _shillings(text: object) -> int:
    whole, _, decimals = str(text).partition(".")
    if decimals.strip("0"):
        raise ValueError("The amount is not in whole shillings.")
    return int(whole)


def _parts(provider_ref: str) -> tuple[str, str, Amount, str]:
    try:
        prompt, reference, cents, shillings = provider_ref.split(".")
        return prompt, reference, Amount(USD, int(cents)), shillings
    except ValueError:
        raise ProviderRefused("payment_unknown") from None


class MpesaPayouts(_MpesaRail):
    """A `PayoutRail` whose results come only by callback.

    `find` reads what has come, and queries Daraja if nothing has.
    """

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


def to_msisdn(phone: str) -> str:
    """Return `254712345678` for `+254712345678`. Other countries: `phone_not_kenyan`."""
    digits = phone.removeprefix("+").replace(" ", "")
    if not _KENYAN.fullmatch(digits):
        raise ProviderRefused("phone_not_kenyan")
    return digits
