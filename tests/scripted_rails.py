"""Rail providers in memory, whose calls succeed or fail as a test scripts them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import TypeVar
from uuid import UUID

from app.catalog.provider_ids import BANK, STRIPE
from app.catalog.rules import USD
from app.funding.ports import (
    Dispute,
    DisputeKind,
    IncomingTransfer,
    Payment,
    PaymentRequest,
    PaymentState,
    Payout,
    PayoutOrder,
    PayoutState,
    VirtualAccount,
)
from app.kit.money import Amount
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.ports import Listing

T = TypeVar("T")


class CallFault(Enum):
    """How the next call fails."""

    UNAVAILABLE = auto()
    """The provider cannot be reached."""
    UNANSWERED_NOT_DONE = auto()
    """No response; the provider did not execute the request."""
    UNANSWERED_DONE = auto()
    """No response; the provider executed the request."""
    REFUSED = auto()
    CRASH_BEFORE = auto()
    """Our process ends before the call."""
    CRASH_AFTER = auto()
    """Our process ends after the provider executed the request."""


class ProcessKilled(BaseException):
    """Simulates the end of our process; no handler catches it."""


@dataclass
class ScriptedProvider:
    """A provider whose next calls fail with `faults`, in order; None is a call that succeeds."""

    faults: list[CallFault | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def call(self, name: str, action: Callable[[], T]) -> T:
        self.calls.append(name)
        fault = self.faults.pop(0) if self.faults else None
        if fault is CallFault.CRASH_BEFORE:
            raise ProcessKilled
        if fault is CallFault.UNAVAILABLE:
            raise ProviderUnavailable("away")
        if fault is CallFault.UNANSWERED_NOT_DONE:
            raise ProviderOutcomeUnknown("lost")
        if fault is CallFault.REFUSED:
            raise ProviderRefused("card_declined")
        result = action()
        if fault is CallFault.UNANSWERED_DONE:
            raise ProviderOutcomeUnknown("lost")
        if fault is CallFault.CRASH_AFTER:
            raise ProcessKilled
        return result


@dataclass
class ScriptedCardRail(ScriptedProvider):
    """A card rail that authorises payments first."""

    name: str = "stripe"
    provider_id: UUID = STRIPE
    repeatable: bool = True
    payments_by_ref: dict[str, Payment] = field(default_factory=dict)
    disputes_by_ref: dict[str, Dispute] = field(default_factory=dict)
    refunds_by_ref: dict[str, Dispute] = field(default_factory=dict)
    #: The state of a payment after its creation.
    created_state: PaymentState = PaymentState.AUTHORISED
    #: None: the processor says so later.
    cost: Amount | None = field(default_factory=lambda: Amount.parse(USD, "3.20"))

    def create(self, request: PaymentRequest) -> Payment:
        def action() -> Payment:
            # Only a provider with idempotency keys makes one payment of a repeated request.
            suffix = "" if self.repeatable else f"_{len(self.payments_by_ref)}"
            ref = f"pi_{request.reference}{suffix}"
            instructions = (
                {"clientSecret": "secret"} if self.created_state is PaymentState.PENDING else {}
            )
            payment = Payment(
                ref,
                request.reference,
                self.created_state,
                request.amount,
                instructions=instructions,
            )
            return self.payments_by_ref.setdefault(ref, payment)

        return self.call("open", action)

    def fetch(self, provider_ref: str) -> Payment:
        return self.call("look", lambda: self.payments_by_ref[provider_ref])

    def find(self, reference: str) -> Payment | None:
        return self.call(
            "find",
            lambda: next(
                (p for p in self.payments_by_ref.values() if p.reference == reference), None
            ),
        )

    def capture(self, provider_ref: str, reference: str) -> Payment:
        def action() -> Payment:
            paid = replace(
                self.payments_by_ref[provider_ref], state=PaymentState.PAID, cost=self.cost
            )
            self.payments_by_ref[provider_ref] = paid
            return paid

        return self.call("capture", action)

    def release(self, provider_ref: str, reference: str) -> Payment:
        def action() -> Payment:
            payment = self.payments_by_ref[provider_ref]
            if payment.state is not PaymentState.PAID:
                payment = replace(payment, state=PaymentState.FAILED, code="canceled")
            self.payments_by_ref[provider_ref] = payment
            return payment

        return self.call("release", action)

    def set_state(self, state: PaymentState, code: str = "") -> None:
        for ref, payment in self.payments_by_ref.items():
            self.payments_by_ref[ref] = replace(payment, state=state, code=code)

    def payments(self, since: datetime) -> Listing[Payment]:
        return Listing(list(self.payments_by_ref.values()))

    def dispute(self, provider_ref: str) -> Dispute:
        return self.call("dispute", lambda: self.disputes_by_ref[provider_ref])

    def disputes(self, since: datetime) -> Listing[Dispute]:
        return Listing(list(self.disputes_by_ref.values()))

    def make_refund(self, payment_ref: str, amount: Amount, reference: str) -> Dispute:
        def action() -> Dispute:
            refund = Dispute(
                f"re_{reference}", payment_ref, "lost", amount, Amount(USD, 0),
                DisputeKind.REFUND, reference,
            )  # fmt: skip
            return self.refunds_by_ref.setdefault(refund.provider_ref, refund)

        return self.call("make_refund", action)

    def refund(self, provider_ref: str) -> Dispute:
        return self.call("refund", lambda: self.refunds_by_ref[provider_ref])

    def refunds(self, since: datetime) -> Listing[Dispute]:
        return Listing(list(self.refunds_by_ref.values()))


@dataclass
class ScriptedBankRail(ScriptedProvider):
    """A bank with virtual accounts and payouts; it pays each reference once."""

    name: str = "bank"
    provider_id: UUID = BANK
    transfers: list[IncomingTransfer] = field(default_factory=list)
    payouts_by_reference: dict[str, Payout] = field(default_factory=dict)
    #: The state of a payout after its order.
    payout_state: PayoutState = PayoutState.SENT
    #: Pays this amount instead of the ordered one.
    wrong_amount: Amount | None = None

    def virtual_account(self, reference: str, holder: str) -> VirtualAccount:
        details = {
            "accountHolder": holder,
            "accountNumber": "12345",
            "routingNumber": "123456780",
            "bankName": "Test Bank",
        }
        return self.call("account", lambda: VirtualAccount(f"acc_{reference}", details))

    def transfers_to(self, account_ref: str) -> Listing[IncomingTransfer]:
        return self.call(
            "arrivals", lambda: Listing([a for a in self.transfers if a.account_ref == account_ref])
        )

    def transfers_since(self, since: datetime) -> Listing[IncomingTransfer]:
        return Listing(list(self.transfers))

    def transfer(self, provider_ref: str) -> IncomingTransfer:
        return self.call(
            "arrival", lambda: next(a for a in self.transfers if a.provider_ref == provider_ref)
        )

    def send(self, order: PayoutOrder) -> Payout:
        def action() -> Payout:
            amount = self.wrong_amount or order.amount
            payout = Payout(
                f"po_{order.reference}", order.reference, self.payout_state, amount, BANK
            )
            return self.payouts_by_reference.setdefault(order.reference, payout)

        return self.call("send", action)

    def find(self, reference: str) -> Payout | None:
        return self.call("find", lambda: self.payouts_by_reference.get(reference))

    def set_state(self, state: PayoutState, code: str = "") -> None:
        for reference, payout in self.payouts_by_reference.items():
            self.payouts_by_reference[reference] = replace(payout, state=state, code=code)

    def payouts(self, since: datetime) -> Listing[Payout]:
        return Listing(list(self.payouts_by_reference.values()))
