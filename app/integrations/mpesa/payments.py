"""Payments that a customer confirms on their phone."""

from datetime import datetime, timedelta
from typing import Any, Protocol

from app.catalog.provider_ids import MPESA
from app.catalog.rules import USD
from app.funding.ports import Payment, PaymentRequest, PaymentState
from app.integrations.http_calls import ProviderCaller
from app.integrations.mpesa.call_history import OPEN_PAYMENT, CallHistory
from app.integrations.mpesa.callbacks import NAME, PAYMENT, CallbackSubject, DarajaCallbacks
from app.integrations.mpesa.exchange_rate import ExchangeRate
from app.integrations.mpesa.phone_numbers import to_msisdn
from app.integrations.transport import parsing_response
from app.kit import clock
from app.kit.money import Amount
from app.providers.errors import ProviderRefused

Document = dict[str, Any]

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


class DarajaPaymentApi(Protocol):
    """The methods of the client that payments use."""

    def send_prompt(self, *, phone: str, shillings: int, name: str, callback: str) -> str: ...
    def query_prompt(self, identifier: str) -> str | None: ...
    def list_payments(self, since: datetime) -> list[Document]: ...


class MpesaPayments:
    """A `PaymentRail` that must not repeat a request: each repetition would prompt the phone again.

    A payment's `provider_ref` is the prompt's ID with our reference and the agreed amounts, because
    Daraja returns none of them. `find` and `payments` see payments made within two days, and no
    unanswered prompts; their `provider_ref` is the receipt.
    """

    name = NAME
    provider_id = MPESA
    repeatable = False

    def __init__(
        self,
        client: DarajaPaymentApi,
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
