"""M-Pesa as a rail: payments that a customer confirms on their phone."""

from datetime import datetime, timedelta
from typing import Any

from app.catalog.rules import USD
from app.funding.ports import Payment, PaymentRequest, PaymentState
from app.integrations.mpesa.exchange_rate import AgreedTerms, read_shillings
from app.integrations.mpesa.rail import MpesaRail, to_msisdn
from app.integrations.mpesa.webhook import OPEN_PAYMENT, PAYMENT, CallbackSubject
from app.integrations.response_parsing import object_row, read_rows
from app.integrations.transport import parsing_response
from app.kit import clock
from app.kit.money import Amount
from app.providers.errors import ProviderRefused
from app.providers.ports import Listing

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


class MpesaPayments(MpesaRail):
    """A `PaymentRail` that must not repeat a request: each repetition would prompt the phone again.

    A payment's `provider_ref` is the prompt's ID with our reference and the agreed amounts, because
    Daraja returns none of them. `find` and `payments` see payments made within two days, and no
    unanswered prompts; their `provider_ref` is the receipt.
    """

    repeatable = False

    def create(self, request: PaymentRequest) -> Payment:
        """Prompt the phone `source`. Refused with `phone_not_kenyan` before any request."""
        phone = to_msisdn(request.source)
        shillings = self._rate().shillings_to_charge(request.amount)
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
                charged=_kes(shillings),
                instructions={"phone": f"+{phone}", "amountKes": str(shillings)},
            )

        return self._caller.call(
            OPEN_PAYMENT, send, reference=request.reference, idempotent=False, terms=detail
        )

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
                charged=_kes(int(shillings)),
                code=_CODES.get(code or "", f"mpesa_{code}")
                if state is PaymentState.FAILED
                else "",
                instructions={"amountKes": shillings} if state is PaymentState.PENDING else {},
            )

        return self._caller.call("payments.look", send, reference=reference, idempotent=True)

    def find(self, reference: str) -> Payment | None:
        """Return the payment with our reference if it is paid, else None."""
        terms = self._history.agreed_terms(reference)

        def send() -> Payment | None:
            rows = self._client.list_payments(clock.now() - _LIST_RANGE)
            own = (row for row in rows if _paid_for(row) == _name(reference))
            return next((self._payment(object_row(row), reference, terms) for row in own), None)

        return self._caller.call("payments.find", send, reference=reference, idempotent=True)

    def payments(self, since: datetime) -> Listing[Payment]:
        """Return every payment since an instant, two days ago at the earliest.

        Amounts are in dollars as agreed, or else at today's rate; `charged` is what the customer
        paid. A payment that we did not request has the reference that its sender typed.
        """
        since = max(since, clock.now() - _LIST_RANGE)
        requested = {
            _name(reference): (reference, terms)
            for reference, terms in self._history.requested_payments(
                since - _REFERENCE_AGE_MAX
            ).items()
        }

        def read(row: Document) -> Payment:
            return self._payment(row, *requested.get(_paid_for(row), ("", None)))

        def send() -> Listing[Payment]:
            rows = self._client.list_payments(since)
            return read_rows(rows, read, id_name="transactionId", since=since)

        return self._caller.call("payments.list", send, reference="", idempotent=True)

    def _payment(self, payload: Document, reference: str, terms: AgreedTerms | None) -> Payment:
        with parsing_response():
            shillings = read_shillings(payload["amount"])
            agreed = terms.dollars_for(shillings) if terms else None
            return Payment(
                provider_ref=str(payload["transactionId"]),
                reference=reference or str(payload["billreference"]),
                state=PaymentState.PAID,
                amount=agreed or self._rate().dollars_charged(shillings),
                charged=_kes(shillings),
            )


def _state(code: str | None) -> PaymentState:
    if code is None or code == _WAITING:
        return PaymentState.PENDING
    return PaymentState.PAID if code == _PAID else PaymentState.FAILED


def _name(reference: str) -> str:
    """Return the end of our reference, which is random."""
    return reference[-_NAME_LENGTH:]


def _paid_for(row: object) -> str:
    """Return what the sender typed as the reference; empty where there is none."""
    return str(row.get("billreference") or "") if isinstance(row, dict) else ""


def _kes(shillings: int) -> str:
    return f"{shillings} KES"


def _parts(provider_ref: str) -> tuple[str, str, Amount, str]:
    try:
        prompt, reference, cents, shillings = provider_ref.split(".")
        return prompt, reference, Amount(USD, int(cents)), shillings
    except ValueError:
        raise ProviderRefused("payment_unknown") from None
