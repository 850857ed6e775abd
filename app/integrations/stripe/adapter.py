"""Stripe as a rail for card payments."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from app.catalog.provider_ids import STRIPE
from app.catalog.rules import USD
from app.funding.ports import Dispute, DisputeKind, Payment, PaymentRequest, PaymentState
from app.integrations.http_calls import ProviderCaller
from app.integrations.response_parsing import read_rows
from app.integrations.transport import parsing_response
from app.kit import clock
from app.kit.money import Amount
from app.providers.errors import ProviderRefused
from app.providers.ports import Listing

Document = dict[str, Any]

_STATES = {
    # The card was declined. A holder of the client secret may still try another card; we never
    # capture such a payment, so no money moves.
    "requires_payment_method": PaymentState.FAILED,
    "canceled": PaymentState.FAILED,
    "requires_confirmation": PaymentState.PENDING,
    "requires_action": PaymentState.PENDING,
    "processing": PaymentState.PENDING,
    "requires_capture": PaymentState.AUTHORISED,
    "succeeded": PaymentState.PAID,
}
_DISPUTES = {
    # A bank's inquiry before it takes any money; most go no further.
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "inquiry",
    "prevented": "inquiry",
    "needs_response": "open",
    "under_review": "open",
    "won": "won",
    "lost": "lost",
}
_REFUNDS = {
    # The amount leaves our balance when the refund is made.
    "pending": "lost",
    "requires_action": "lost",
    "succeeded": "lost",
    # It came back to our balance.
    "failed": "won",
    "canceled": "won",
}
#: The payment is no longer in a state that allows the operation.
_TOO_LATE = "payment_intent_unexpected_state"
#: The search lags by a minute, sometimes more; the list never does.
_SEARCH_LAG_MAX = timedelta(hours=3)


class StripeApi(Protocol):
    """The methods of the client that the rail uses."""

    def create_payment(self, parameters: Mapping[str, Any], *, key: str) -> Document: ...
    def get_payment(self, identifier: str) -> Document: ...
    def capture_payment(self, identifier: str, *, key: str) -> Document: ...
    def cancel_payment(self, identifier: str, *, key: str) -> Document: ...
    def list_payments(self, since: int) -> list[object]: ...
    def search_payments(self, query: str) -> list[object]: ...
    def get_dispute(self, identifier: str) -> Document: ...
    def list_disputes(self, since: int) -> list[object]: ...
    def create_refund(self, parameters: Mapping[str, Any], *, key: str) -> Document: ...
    def get_refund(self, identifier: str) -> Document: ...
    def list_refunds(self, since: int) -> list[object]: ...


class StripeRail:
    """A `PaymentRail` with authorisation and capture.

    Opening twice within a day opens one payment. After a day, call `find` before opening again.
    """

    name = "stripe"
    provider_id = STRIPE
    repeatable = True

    def __init__(self, client: StripeApi, caller: ProviderCaller) -> None:
        self._client = client
        self._caller = caller

    def create(self, request: PaymentRequest) -> Payment:
        """Authorise a payment on the card behind the token `source`.

        `instructions` has a client secret where the card's bank must authenticate the customer. A
        declined card is refused with the bank's code.
        """
        parameters = {
            "amount": request.amount.units,
            "currency": _currency(request.amount),
            "payment_method": request.source,
            "payment_method_types": ["card"],
            "capture_method": "manual",
            "metadata": {"reference": request.reference},
        }

        def send() -> Payment:
            return _payment(self._client.create_payment(parameters, key=request.reference))

        return self._caller.call(
            "payments.open", send, reference=request.reference, idempotent=True
        )

    def fetch(self, provider_ref: str) -> Payment:
        """Return the payment's current state."""

        def send() -> Payment:
            return _payment(self._client.get_payment(provider_ref))

        return self._caller.call("payments.look", send, reference=provider_ref, idempotent=True)

    def find(self, reference: str) -> Payment | None:
        """Return the payment with our reference: from the recent list, or else by search."""
        since = int((clock.now() - _SEARCH_LAG_MAX).timestamp())
        query = f"metadata['reference']:'{reference}'"

        def search() -> Payment | None:
            latest = _find_by_reference(reference, self._client.list_payments(since))
            return latest or _find_by_reference(reference, self._client.search_payments(query))

        return self._caller.call("payments.find", search, reference=reference, idempotent=True)

    def payments(self, since: datetime) -> Listing[Payment]:
        """Return every payment since an instant. Foreign payments have an empty reference."""

        def fetch() -> Listing[Payment]:
            return read_rows(self._client.list_payments(int(since.timestamp())), _payment)

        return self._caller.call("payments.list", fetch, reference="", idempotent=True)

    def capture(self, provider_ref: str, reference: str) -> Payment:
        """Capture the full amount. A payment captured before is returned as it is."""

        def send() -> Payment:
            return _payment(self._client.capture_payment(provider_ref, key=f"{reference}:capture"))

        return self._finish("payments.capture", send, provider_ref, reference, PaymentState.PAID)

    def release(self, provider_ref: str, reference: str) -> Payment:
        """Cancel an authorised payment. One that has already ended is returned as it is."""

        def send() -> Payment:
            return _payment(
                self._client.cancel_payment(provider_ref, key=f"{provider_ref}:release")
            )

        return self._finish("payments.release", send, provider_ref, reference, PaymentState.FAILED)

    def dispute(self, provider_ref: str) -> Dispute:
        """Return a dispute's current state."""

        def fetch() -> Dispute:
            return _dispute(self._client.get_dispute(provider_ref))

        return self._caller.call("disputes.look", fetch, reference=provider_ref, idempotent=True)

    def disputes(self, since: datetime) -> Listing[Dispute]:
        """Return every dispute since an instant."""

        def fetch() -> Listing[Dispute]:
            return read_rows(self._client.list_disputes(int(since.timestamp())), _dispute)

        return self._caller.call("disputes.list", fetch, reference="", idempotent=True)

    def make_refund(self, payment_ref: str, amount: Amount, reference: str) -> Dispute:
        """Refund a part of a captured payment. One that Stripe has refunded or whose bank disputes
        it is refused."""
        parameters = {
            "payment_intent": payment_ref,
            "amount": amount.units,
            "metadata": {"reference": reference},
        }

        def send() -> Dispute:
            _currency(amount)
            return _refund(self._client.create_refund(parameters, key=reference))

        return self._caller.call("refunds.create", send, reference=reference, idempotent=True)

    def refund(self, provider_ref: str) -> Dispute:
        """Return a refund's current state."""

        def fetch() -> Dispute:
            return _refund(self._client.get_refund(provider_ref))

        return self._caller.call("refunds.look", fetch, reference=provider_ref, idempotent=True)

    def refunds(self, since: datetime) -> Listing[Dispute]:
        """Return every refund since an instant, ordered by us or made at the dashboard."""

        def fetch() -> Listing[Dispute]:
            return read_rows(self._client.list_refunds(int(since.timestamp())), _refund)

        return self._caller.call("refunds.list", fetch, reference="", idempotent=True)

    def _finish(
        self,
        operation: str,
        send: Any,
        provider_ref: str,
        reference: str,
        target_state: PaymentState,
    ) -> Payment:
        try:
            finished: Payment = self._caller.call(
                operation, send, reference=reference, idempotent=True
            )
        except ProviderRefused as refused:
            if refused.code == _TOO_LATE:
                current = self.fetch(provider_ref)
                if current.state is target_state:
                    return current
            raise
        return finished


def _find_by_reference(reference: str, rows: list[object]) -> Payment | None:
    """Return the payment with our reference. Only that row has to be readable."""
    own = (row for row in rows if isinstance(row, dict) and _reference(row) == reference)
    return next((_payment(row) for row in own), None)


def _reference(payload: Document) -> str:
    metadata = payload.get("metadata")
    return str(metadata.get("reference", "")) if isinstance(metadata, dict) else ""


def _payment(payload: Document) -> Payment:
    with parsing_response():
        state = _STATES[payload["status"]]
        charge = payload["latest_charge"] or {}
        return Payment(
            provider_ref=payload["id"],
            reference=(payload["metadata"] or {}).get("reference", ""),
            state=state,
            amount=_amount(payload, state, charge),
            cost=_cost(charge) if state is PaymentState.PAID else None,
            code=_code(payload) if state is PaymentState.FAILED else "",
            instructions=_instructions(payload) if state is PaymentState.PENDING else {},
        )


def _amount(payload: Document, state: PaymentState, charge: Document) -> Amount:
    """Return the payment's amount: once paid, what reached our balance before Stripe's fee."""
    if state is PaymentState.PAID and (transaction := charge.get("balance_transaction")):
        return _money(transaction, "amount")
    return _money(payload, "amount_received" if state is PaymentState.PAID else "amount")


def _cost(charge: Document) -> Amount | None:
    transaction = charge.get("balance_transaction")
    return _money(transaction, "fee") if transaction else None


def _code(payload: Document) -> str:
    error = payload.get("last_payment_error") or {}
    reason = error.get("decline_code") or error.get("code") or payload.get("cancellation_reason")
    return str(reason or payload["status"])


def _instructions(payload: Document) -> Mapping[str, str]:
    return {"client_secret": payload["client_secret"], "status": payload["status"]}


def _dispute(payload: Document) -> Dispute:
    with parsing_response():
        cost = sum(
            _money(transaction, "fee").units for transaction in payload["balance_transactions"]
        )
        return Dispute(
            provider_ref=payload["id"],
            payment_ref=payload["payment_intent"],
            state=_DISPUTES[payload["status"]],
            amount=_money(payload, "amount"),
            cost=Amount(USD, cost),
        )


def _refund(payload: Document) -> Dispute:
    with parsing_response():
        return Dispute(
            provider_ref=payload["id"],
            # A charge without a payment intent is none of ours.
            payment_ref=payload["payment_intent"] or payload["charge"],
            state=_REFUNDS[payload["status"]],
            amount=_money(payload, "amount"),
            cost=Amount(USD, 0),
            kind=DisputeKind.REFUND,
            reference=(payload.get("metadata") or {}).get("reference", ""),
        )


def _money(payload: Document, name: str) -> Amount:
    units = payload[name]
    if payload["currency"] != USD.code.lower() or type(units) is not int:
        raise ValueError("The amount is not a whole number of US cents.")
    return Amount(USD, units)


def _currency(amount: Amount) -> str:
    if amount.asset != USD:
        raise ValueError("Card payments are in dollars only.")
    return USD.code.lower()
