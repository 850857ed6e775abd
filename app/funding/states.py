"""How far a deposit, a dispute or a withdrawal has come, and what may follow. Pure."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Self

from app.catalog.rules import PAXG, USD, USDC
from app.funding.ports import PaymentMethod
from app.kit.errors import Invalid
from app.kit.money import Amount, Asset, Rounding, round_units
from app.kit.states import Transitions


class DepositStatus(StrEnum):
    """Where a deposit is."""

    REQUESTED = "requested"
    """The provider is being asked."""
    UNKNOWN = "unknown"
    """The provider was asked and gave no answer: it is looked into."""
    PENDING = "pending"
    """The customer, or their bank, has to act."""
    CREDITED = "credited"
    DISPUTED = "disputed"
    """The customer's bank took it back, and we object."""
    TAKEN_BACK = "taken_back"
    """It was taken back for good."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class WithdrawalStatus(StrEnum):
    """Where a withdrawal is. The money is held from the first on, until it has gone or is free."""

    IN_REVIEW = "in_review"
    """Its recipient is compared with the sanctions list by a person, or there is no list yet."""
    AWAITING_APPROVAL = "awaiting_approval"
    """It is so large that two of our staff release it."""
    APPROVED = "approved"
    """It is about to be sent. Until then it can be cancelled."""
    SENDING = "sending"
    """The provider is being asked."""
    UNKNOWN = "unknown"
    """The provider was asked and gave no answer: it is looked into before anything else is done."""
    SENT = "sent"
    """The provider has it."""
    COMPLETED = "completed"
    RETURNED = "returned"
    """It came back, and was credited again."""
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


_D, _W = DepositStatus, WithdrawalStatus

DEPOSIT_TRANSITIONS = Transitions(
    {
        _D.REQUESTED: {_D.UNKNOWN, _D.PENDING, _D.CREDITED, _D.FAILED, _D.CANCELLED},
        _D.UNKNOWN: {_D.PENDING, _D.CREDITED, _D.FAILED},
        _D.PENDING: {_D.UNKNOWN, _D.CREDITED, _D.FAILED, _D.CANCELLED},
        _D.CREDITED: {_D.DISPUTED, _D.TAKEN_BACK},
        _D.DISPUTED: {_D.CREDITED, _D.TAKEN_BACK},
    }
)
WITHDRAWAL_TRANSITIONS = Transitions(
    {
        _W.IN_REVIEW: {_W.AWAITING_APPROVAL, _W.APPROVED, _W.REJECTED, _W.CANCELLED},
        _W.AWAITING_APPROVAL: {_W.IN_REVIEW, _W.APPROVED, _W.REJECTED, _W.CANCELLED},
        _W.APPROVED: {_W.SENDING, _W.IN_REVIEW, _W.REJECTED, _W.CANCELLED},
        _W.SENDING: {_W.UNKNOWN, _W.SENT, _W.COMPLETED, _W.FAILED, _W.APPROVED},
        _W.UNKNOWN: {_W.SENDING, _W.SENT, _W.COMPLETED, _W.FAILED},
        _W.SENT: {_W.COMPLETED, _W.FAILED, _W.RETURNED},
        _W.COMPLETED: {_W.RETURNED},
    }
)
#: Deposits that are still to be looked at.
OPEN_DEPOSITS = frozenset({_D.REQUESTED, _D.UNKNOWN, _D.PENDING})
#: Withdrawals that a customer may still take back: nothing was asked of a provider.
CANCELLABLE_WITHDRAWALS = frozenset({_W.IN_REVIEW, _W.AWAITING_APPROVAL, _W.APPROVED})
#: Withdrawals whose provider has to be asked how they stand.
WITHDRAWALS_IN_PROGRESS = frozenset({_W.SENDING, _W.UNKNOWN, _W.SENT})
#: Withdrawals that do not count against a day's limit: the money stayed, or came back.
NOT_GONE = frozenset({_W.FAILED, _W.REJECTED, _W.CANCELLED, _W.RETURNED})

#: What can come by which way, and go.
ASSETS_BY_METHOD = {
    PaymentMethod.CARD: frozenset({USD}),
    PaymentMethod.BANK: frozenset({USD}),
    PaymentMethod.MOBILE_MONEY: frozenset({USD}),
    PaymentMethod.CRYPTO: frozenset({USDC, PAXG}),
}
PAYOUT_METHODS = frozenset({PaymentMethod.BANK, PaymentMethod.MOBILE_MONEY, PaymentMethod.CRYPTO})


def _whole(dollars: Decimal) -> Amount:
    return Amount(USD, round_units(Fraction(dollars) * USD.unit, Rounding.DOWN))


def _dollars(text: str) -> Amount:
    return Amount.parse(USD, text)


@dataclass(frozen=True, slots=True)
class PaymentLimits:
    """Amounts in dollars, as configured. `approval_from`: two of our staff release a withdrawal
    that is worth so much or more."""

    card_min: Amount = field(default_factory=lambda: _dollars("1"))
    card_max: Amount = field(default_factory=lambda: _dollars("10000"))
    card_failures_per_hour: int = 3
    withdrawal_min: Amount = field(default_factory=lambda: _dollars("1"))
    approval_from: Amount = field(default_factory=lambda: _dollars("10000"))

    @classmethod
    def from_dollars(cls, *, card_max: Decimal, approval_from: Decimal) -> Self:
        """Limits of so many dollars."""
        return cls(card_max=_whole(card_max), approval_from=_whole(approval_from))


def check_asset(method: PaymentMethod, asset: Asset) -> None:
    """Raises `Invalid` unless this comes and goes that way."""
    if asset not in ASSETS_BY_METHOD[method]:
        codes = " or ".join(sorted(each.code for each in ASSETS_BY_METHOD[method]))
        raise Invalid("asset", f"Choose {codes} for the method {method}.")


def check_card_amount(amount: Amount, limits: PaymentLimits) -> None:
    """Raises `Invalid` unless a card may be charged so much."""
    if amount < limits.card_min or limits.card_max < amount:
        raise Invalid("amount", f"Enter {limits.card_min} to {limits.card_max} USD for a card.")
