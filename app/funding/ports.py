"""What moves money between us and the outside: one rail for each way of paying in or out.

A rail speaks for one provider. `reference` is our public id of a deposit or withdrawal and goes to
the provider as the key by which it knows a repetition. Amounts are exact. Every call may raise
`ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused` (app/providers/errors.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol, runtime_checkable
from uuid import UUID

from app.kit.money import Amount


class PaymentMethod(StrEnum):
    """How a customer pays in or is paid."""

    CARD = "card"
    BANK = "bank"
    CRYPTO = "crypto"
    MOBILE_MONEY = "mobile_money"


class PaymentState(StrEnum):
    """How far a payment to us has come at the provider."""

    PENDING = "pending"
    """The customer or a bank still has to do something."""
    AUTHORISED = "authorised"
    """It is ours for the taking: `CardRail.capture` takes it."""
    PAID = "paid"
    """It was taken. `amount` is what arrived, `cost` what the provider kept of it."""
    FAILED = "failed"
    """It will never come. `code` says why."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment to us as the provider sees it now."""

    provider_ref: str
    reference: str
    state: PaymentState
    amount: Amount
    cost: Amount | None = None
    code: str = ""
    #: What the customer needs to go on, such as a client secret for a bank's question.
    instructions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A payment that we ask for. `source` is what the customer gave: a processor's token for a
    card, a phone number for mobile money."""

    reference: str
    amount: Amount
    source: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """A customer's bank takes a payment back. `state` is `inquiry` (it asks, and took nothing),
    `open`, `won` (it is ours again) or `lost`; `cost` is what the provider charges for it."""

    provider_ref: str
    payment_ref: str
    state: str
    amount: Amount
    cost: Amount


class PaymentRail(Protocol):
    """Asks a customer for one payment: by card, or on their phone."""

    name: str
    provider_id: UUID
    #: Whether opening twice with one reference is known to the provider as the same payment.
    repeatable: bool

    def create(self, request: PaymentRequest) -> Payment:
        """Ask for it."""
        ...

    def fetch(self, provider_ref: str) -> Payment:
        """How it stands."""
        ...

    def find(self, reference: str) -> Payment | None:
        """The payment that was opened with our reference; None if the provider knows none."""
        ...

    def payments(self, since: datetime) -> list[Payment]:
        """Every payment that was opened since then, for reconciliation."""
        ...


@runtime_checkable
class CardRail(Protocol):
    """A rail that first only authorises, and whose payments can be disputed: cards."""

    def capture(self, provider_ref: str, reference: str) -> Payment:
        """Take what was authorised; once, however often."""
        ...

    def release(self, provider_ref: str, reference: str) -> Payment:
        """Give up what was authorised."""
        ...

    def dispute(self, provider_ref: str) -> Dispute:
        """How a dispute stands."""
        ...

    def disputes(self, since: datetime) -> list[Dispute]:
        """Every dispute that was opened since then."""
        ...


@dataclass(frozen=True, slots=True)
class IncomingTransfer:
    """Money that came in on an account that we gave to one customer. `account_ref` is the
    provider's id of that account."""

    provider_ref: str
    account_ref: str
    amount: Amount
    arrived_at: datetime
    #: Whether it was taken back since.
    is_returned: bool = False


@dataclass(frozen=True, slots=True)
class VirtualAccount:
    """An account that one customer can send to. `details` is what they type at their bank."""

    account_ref: str
    details: Mapping[str, str]


class IncomingTransferRail(Protocol):
    """Gives each customer an account to send to, and says what came: banks."""

    name: str
    provider_id: UUID

    def virtual_account(self, reference: str, holder: str) -> VirtualAccount:
        """The account with our reference, made if there is none."""
        ...

    def transfers_to(self, account_ref: str) -> list[IncomingTransfer]:
        """Everything that came in on one account."""
        ...

    def transfers_since(self, since: datetime) -> list[IncomingTransfer]:
        """Everything that came in since then, for reconciliation."""
        ...

    def transfer(self, provider_ref: str) -> IncomingTransfer:
        """One of them."""
        ...


class PayoutState(StrEnum):
    """How far a payment from us has come at the provider."""

    SENT = "sent"
    """The provider has it; it can still fail."""
    COMPLETED = "completed"
    FAILED = "failed"
    """It did not go, and will not. `code` says why."""
    RETURNED = "returned"
    """It went, and came back."""


@dataclass(frozen=True, slots=True)
class Payout:
    """A payment from us as the provider sees it now."""

    provider_ref: str
    reference: str
    state: PayoutState
    amount: Amount
    provider_id: UUID
    cost: Amount | None = None
    code: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class PayoutOrder:
    """A payment that we order. `destination` is what the method asks for, by name: for `bank`
    holder, account and routing; for `mobile_money` phone; for `crypto` network and address."""

    reference: str
    amount: Amount
    destination: Mapping[str, str]


class PayoutRail(Protocol):
    """Pays out. Ordering twice with one reference pays once: the provider knows it."""

    name: str

    def send(self, order: PayoutOrder) -> Payout:
        """Order it."""
        ...

    def find(self, reference: str) -> Payout | None:
        """The payout with our reference; None if the provider knows none."""
        ...

    def payouts(self, since: datetime) -> list[Payout]:
        """Every payout since then, for reconciliation."""
        ...


#: The rails that this exchange has, by method. A method without one is switched off.
PaymentRails = NewType("PaymentRails", dict[PaymentMethod, PaymentRail])
IncomingTransferRails = NewType("IncomingTransferRails", dict[PaymentMethod, IncomingTransferRail])
PayoutRails = NewType("PayoutRails", dict[PaymentMethod, PayoutRail])
