"""Stripe as a rail for payments by card."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from app.catalog.provider_ids import STRIPE
from app.catalog.rules import USD
from app.funding.ports import Dispute, Payment, PaymentRequest, PaymentState
from app.integrations.http_calls import ProviderCaller
from app.integrations.transport import parsing_response
from app.kit import clock
from app.kit.money import Amount
from app.providers.errors import ProviderRefused

Document = dict[str, Any]

_STATES = {
    # Its card was refused. Whoever holds the client secret may try another, and if that works we
    # never capture it: nothing moves.
    "requires_payment_method": PaymentState.FAILED,
    "canceled": PaymentState.FAILED,
    "requires_confirmation": PaymentState.PENDING,
    "requires_action": PaymentState.PENDING,
    "processing": PaymentState.PENDING,
    "requires_capture": PaymentState.AUTHORISED,
    "succeeded": PaymentState.PAID,
}
_DISPUTES = {
    # A bank's question before it takes anything; most end with it.
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "inquiry",
    "prevented": "inquiry",
    "needs_response": "open",
    "under_review": "open",
    "won": "won",
    "lost": "lost",
}
#: What is asked of a payment that is no longer in the state for it.
_TOO_LATE = "payment_intent_unexpected_state"
#: The search is behind by a minute, in bad times by more; the list never is.
_LISTED_FOR_SURE = timedelta(hours=3)


class StripeApi(Protocol):
    """What the rail needs of a client."""

    def create_payment(self, parameters: Mapping[str, Any], *, key: str) -> Document: ...
    def get_payment(self, identifier: str) -> Document: ...
    def capture_payment(self, identifier: str, *, key: str) -> Document: ...
    def cancel_payment(self, identifier: str, *, key: str) -> Document: ...
    def list_payments(self, since: int) -> list[Document]: ...
    def search_payments(self, query: str) -> list[Document]: ...
    def get_dispute(self, identifier: str) -> Document: ...
    def list_disputes(self, since: int) -> list[Document]: ...


class StripeRail:
    """A `PaymentRail` that is `CardRail`. Opening twice within a day opens one payment; after
    that, ask `find` before opening again."""

    name = "stripe"
    provider_id = STRIPE
    repeatable = True

    def __init__(self, client: StripeApi, caller: ProviderCaller) -> None:
        self._client = client
        self._caller = caller

    def create(self, request: PaymentRequest) -> Payment:
        """Authorise it on the card behind the token `source`. `instructions` has a client secret
        where the card's bank wants to request the customer. A card that is declined is refused,
        with the bank's code."""
        asked = {
            "amount": request.amount.units,
            "currency": _currency(request.amount),
            "payment_method": request.source,
            "payment_method_types": ["card"],
            "capture_method": "manual",
            "metadata": {"reference": request.reference},
        }

        def do() -> Payment:
            return _payment(self._client.create_payment(asked, key=request.reference))

        return self._caller.call("payments.open", do, reference=request.reference, idempotent=True)

    def fetch(self, provider_ref: str) -> Payment:
        """How it stands."""

        def do() -> Payment:
            return _payment(self._client.get_payment(provider_ref))

        return self._caller.call("payments.look", do, reference=provider_ref, idempotent=True)

    def find(self, reference: str) -> Payment | None:
        """The payment with our reference: among the latest, or by the search."""
        since = int((clock.now() - _LISTED_FOR_SURE).timestamp())
        query = f"metadata['reference']:'{reference}'"

        def do() -> Payment | None:
            latest = _of(reference, self._client.list_payments(since))
            return latest or _of(reference, self._client.search_payments(query))

        return self._caller.call("payments.find", do, reference=reference, idempotent=True)

    def payments(self, since: datetime) -> list[Payment]:
        """Every payment since then, also those that are not ours: their reference is empty."""

        def do() -> list[Payment]:
            return [_payment(each) for each in self._client.list_payments(int(since.timestamp()))]

        return self._caller.call("payments.list", do, reference="", idempotent=True)

    def capture(self, provider_ref: str, reference: str) -> Payment:
        """Take all of it. One that was taken before is answered as it stands."""

        def do() -> Payment:
            return _payment(self._client.capture_payment(provider_ref, key=f"{reference}:capture"))

        return self._finish("payments.capture", do, provider_ref, reference, PaymentState.PAID)

    def release(self, provider_ref: str, reference: str) -> Payment:
        """Give it up. One that failed or was released before is answered as it stands."""

        def do() -> Payment:
            return _payment(self._client.cancel_payment(provider_ref, key=f"{reference}:release"))

        return self._finish("payments.release", do, provider_ref, reference, PaymentState.FAILED)

    def dispute(self, provider_ref: str) -> Dispute:
        """How a dispute stands."""

        def do() -> Dispute:
            return _dispute(self._client.get_dispute(provider_ref))

        return self._caller.call("disputes.look", do, reference=provider_ref, idempotent=True)

    def disputes(self, since: datetime) -> list[Dispute]:
        """Every dispute since then."""

        def do() -> list[Dispute]:
            return [_dispute(each) for each in self._client.list_disputes(int(since.timestamp()))]

        return self._caller.call("disputes.list", do, reference="", idempotent=True)

    def _finish(
        self, operation: str, do: Any, provider_ref: str, reference: str, wanted: PaymentState
    ) -> Payment:
        try:
            finished: Payment = self._caller.call(
                operation, do, reference=reference, idempotent=True
            )
        except ProviderRefused as refused:
            if refused.code == _TOO_LATE:
                standing = self.fetch(provider_ref)
                if standing.state is wanted:
                    return standing
            raise
        return finished


def _of(reference: str, documents: list[Document]) -> Payment | None:
    payments = (_payment(each) for each in documents)
    return next((each for each in payments if each.reference == reference), None)


def _payment(document: Document) -> Payment:
    with parsing_response():
        state = _STATES[document["status"]]
        charge = document["latest_charge"] or {}
        return Payment(
            provider_ref=document["id"],
            reference=(document["metadata"] or {}).get("reference", ""),
            state=state,
            amount=_amount(document, state, charge),
            cost=_cost(charge) if state is PaymentState.PAID else None,
            code=_code(document) if state is PaymentState.FAILED else "",
            instructions=_instructions(document) if state is PaymentState.PENDING else {},
        )


def _amount(document: Document, state: PaymentState, charge: Document) -> Amount:
    """What arrived, where something did: what was put into our balance, before their fee."""
    if state is PaymentState.PAID and (arrived := charge.get("balance_transaction")):
        return _money(arrived, "amount")
    return _money(document, "amount_received" if state is PaymentState.PAID else "amount")


def _cost(charge: Document) -> Amount | None:
    arrived = charge.get("balance_transaction")
    return _money(arrived, "fee") if arrived else None


def _code(document: Document) -> str:
    error = document.get("last_payment_error") or {}
    reason = error.get("decline_code") or error.get("code") or document.get("cancellation_reason")
    return str(reason or document["status"])


def _instructions(document: Document) -> Mapping[str, str]:
    return {"client_secret": document["client_secret"], "status": document["status"]}


def _dispute(document: Document) -> Dispute:
    with parsing_response():
        cost = sum(_money(moved, "fee").units for moved in document["balance_transactions"])
        return Dispute(
            provider_ref=document["id"],
            payment_ref=document["payment_intent"],
            state=_DISPUTES[document["status"]],
            amount=_money(document, "amount"),
            cost=Amount(USD, cost),
        )


def _money(document: Document, name: str) -> Amount:
    units = document[name]
    if document["currency"] != USD.code.lower() or type(units) is not int:
        raise ValueError("no whole number of cents of a dollar")
    return Amount(USD, units)


def _currency(amount: Amount) -> str:
    if amount.asset != USD:
        raise ValueError("cards pay in dollars")
    return USD.code.lower()
