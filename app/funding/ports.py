"""The rails that move money between PBCEx and the outside: one for each payment method.

A rail represents one provider. `reference` is our public id of a deposit or withdrawal and goes to
the provider as the idempotency key. Amounts are exact. Every call may raise
`ProviderUnavailable`, `ProviderOutcomeUnknown` or `ProviderRefused` (app/providers/errors.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol, runtime_checkable
from uuid import UUID

from app.catalog.rules import PaymentMethod
from app.kit.money import Amount
from app.providers.ports import Listing, ProviderFact


class PaymentState(StrEnum):
    """The state of a payment to us at its provider."""

    PENDING = "pending"
    """The customer or a bank has to act."""
    AUTHORISED = "authorised"
    """The card is authorised; `CardRail.capture` collects the payment."""
    PAID = "paid"
    """The payment was collected. `amount` arrived, of which the provider kept `cost`."""
    FAILED = "failed"
    """The payment will not arrive. `code` says why."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment to us, in its current state at the provider."""

    provider_ref: str
    reference: str
    state: PaymentState
    amount: Amount
    cost: Amount | None = None
    code: str = ""
    #: What the customer needs to complete it, such as a client secret for 3-D Secure.
    instructions: Mapping[str, str] = field(default_factory=dict)
    #: What the customer was charged, where that is another currency: equal for the same payment.
    charged: str = ""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A payment that we request.

    `source` is what the customer gave: a processor's token of a card, or a phone number.
    """

    reference: str
    amount: Amount
    source: str


class DisputeKind(StrEnum):
    """Why a payment is taken back."""

    DISPUTE = "dispute"
    """The customer's bank takes it back."""
    REFUND = "refund"
    """It was refunded at the processor: at its dashboard, or because we ordered it."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment, or a part of it, that is taken back from us.

    `state` is `inquiry` (nothing was taken yet), `open`, `won` (the amount is ours again) or
    `lost`; `cost` is what the provider charges for it. A refund is `lost`, or `won` if it failed;
    `reference` is ours if we ordered it.
    """

    provider_ref: str
    payment_ref: str
    state: str
    amount: Amount
    cost: Amount
    kind: DisputeKind = DisputeKind.DISPUTE
    reference: str = ""


class PaymentRail(Protocol):
    """Collects payments from customers: by card, or on their phone."""

    name: str
    provider_id: UUID
    #: Whether the provider makes one payment of two requests with the same reference.
    repeatable: bool

    def create(self, request: PaymentRequest) -> Payment:
        """Create the payment."""
        ...

    def fetch(self, provider_ref: str) -> Payment:
        """Return the payment's current state."""
        ...

    def find(self, reference: str) -> Payment | None:
        """Return the payment with our reference; None if the provider has no record of it."""
        ...

    def payments(self, since: datetime) -> Listing[Payment]:
        """Return every payment created since then, for reconciliation."""
        ...


@runtime_checkable
class CardRail(Protocol):
    """What card rails add: payments are authorised first, and can be disputed."""

    def capture(self, provider_ref: str, reference: str) -> Payment:
        """Collect an authorised payment; once, however often it is called."""
        ...

    def release(self, provider_ref: str, reference: str) -> Payment:
        """Give up an authorisation."""
        ...

    def dispute(self, provider_ref: str) -> Dispute:
        """Return the dispute's current state."""
        ...

    def disputes(self, since: datetime) -> Listing[Dispute]:
        """Return every dispute opened since then."""
        ...

    def make_refund(self, payment_ref: str, amount: Amount, reference: str) -> Dispute:
        """Give a part of a collected payment back to its card; once for each reference within a
        day."""
        ...

    def refund(self, provider_ref: str) -> Dispute:
        """Return the refund's current state."""
        ...

    def refunds(self, since: datetime) -> Listing[Dispute]:
        """Return every refund made since then."""
        ...


@dataclass(frozen=True, slots=True)
class IncomingTransfer:
    """A transfer to a customer's virtual account. `account_ref` is the provider's id of the
    account."""

    provider_ref: str
    account_ref: str
    amount: Amount
    arrived_at: datetime
    #: Whether the sender's bank took it back since.
    is_returned: bool = False


@dataclass(frozen=True, slots=True)
class VirtualAccount:
    """An account that one customer can send to. `details` is what they enter at their bank."""

    account_ref: str
    details: Mapping[str, str]


class IncomingTransferRail(Protocol):
    """Gives each customer a virtual account, and lists the transfers to it: banks."""

    name: str
    provider_id: UUID

    def virtual_account(self, reference: str, holder: str) -> VirtualAccount:
        """Return the virtual account with our reference, created if there is none."""
        ...

    def transfers_to(self, account_ref: str) -> Listing[IncomingTransfer]:
        """Return every transfer to one account."""
        ...

    def transfers_since(self, since: datetime) -> Listing[IncomingTransfer]:
        """Return every transfer since then, for reconciliation."""
        ...

    def transfer(self, provider_ref: str) -> IncomingTransfer:
        """Return one transfer."""
        ...


class PayoutState(StrEnum):
    """The state of a payment from us at its provider."""

    SENT = "sent"
    """The provider accepted it; it can still fail."""
    COMPLETED = "completed"
    FAILED = "failed"
    """It was not paid, and will not be. `code` says why."""
    RETURNED = "returned"
    """It was paid, and came back."""


@dataclass(frozen=True, slots=True)
class Payout:
    """A payment from us, in its current state at the provider."""

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
    """A payment that we order.

    `destination` has the method's fields: `holder`, `account` and `routing` for a bank, `phone` for
    mobile money, `network` and `address` for tokens.
    """

    reference: str
    amount: Amount
    destination: Mapping[str, str]


class PayoutRail(Protocol):
    """Pays out. Two orders with the same reference are paid once."""

    name: str

    def send(self, order: PayoutOrder) -> Payout:
        """Order the payout."""
        ...

    def find(self, reference: str) -> Payout | None:
        """Return the payout with our reference; None if the provider has no record of it."""
        ...

    def payouts(self, since: datetime) -> Listing[Payout]:
        """Return every payout since then, for reconciliation."""
        ...


@dataclass(frozen=True, slots=True)
class PaymentChanged(ProviderFact):
    """A payment to us changed; the event's subject is the provider's id of it."""


@dataclass(frozen=True, slots=True)
class DisputeChanged(ProviderFact):
    """A dispute of a card payment changed; the event's subject is the provider's id of it."""


@dataclass(frozen=True, slots=True)
class RefundChanged(ProviderFact):
    """A card payment was refunded, or a refund changed; the event's subject is the provider's id of
    the refund."""


@dataclass(frozen=True, slots=True)
class IncomingTransferChanged(ProviderFact):
    """A transfer arrived or was returned; the event's subject is the provider's id of it."""


@dataclass(frozen=True, slots=True)
class PayoutChanged(ProviderFact):
    """A payout changed; the event's subject is the provider's id of it, or our reference."""


#: The configured rails by method. A method without a rail is switched off.
PaymentRails = NewType("PaymentRails", dict[PaymentMethod, PaymentRail])
IncomingTransferRails = NewType("IncomingTransferRails", dict[PaymentMethod, IncomingTransferRail])
PayoutRails = NewType("PayoutRails", dict[PaymentMethod, PayoutRail])
