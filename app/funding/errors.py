"""What funding refuses, by name."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, FeatureDisabled, Invalid, PermissionDenied
from app.limits.errors import LimitExceeded


class PaymentMethodDisabled(FeatureDisabled):
    """The payment method is not offered here."""

    title = "This payment method is not available."


class OwnWithdrawal(PermissionDenied):
    """Members of staff cannot decide about a withdrawal of their own, from when they were a
    customer."""

    code = "own_withdrawal"
    title = "This withdrawal is yours. Another member of staff must decide it."


class VerificationRequired(Conflict):
    """The customer's identity is not verified: no money may be paid in or out."""

    code = "kyc_required"
    title = "Verify your identity first."


class DailyLimitExceeded(LimitExceeded):
    """The payment would exceed what the customer's tier allows in 24 hours."""

    code = "daily_limit_exceeded"
    title = "This payment would exceed your limit for 24 hours."


class FeeChanged(Conflict):
    """The fee is above the one that the customer agreed to (`maxFee`)."""

    code = "fee_changed"
    title = "The fee of this payment has changed. Look at it again before you agree."


class TooManyCardFailures(LimitExceeded):
    """Several of the customer's cards were declined within an hour."""

    code = "too_many_card_failures"
    title = "Too many cards were declined. Try again in an hour."


class ReceivableOutstanding(Conflict):
    """The customer owes PBCEx for a payment that was taken back: nothing is paid out before."""

    code = "account_owes"
    title = "One of your payments was taken back. Pay what you owe before you withdraw."


class CardMoneyUnsettled(Conflict):
    """The customer would withdraw money that they paid in by card and that may be taken back."""

    code = "card_money_unsettled"
    title = "Money paid in by card cannot be withdrawn yet."


class PayeeBlocked(Conflict):
    """Compliance decided that the payee may not be paid."""

    code = "recipient_blocked"
    title = "We cannot pay this recipient."


class NotCancellable(Conflict):
    """The payment was sent already, or has ended."""

    code = "not_cancellable"
    title = "This payment can no longer be cancelled."


class WrongWithdrawalStatus(Conflict):
    """The withdrawal's status does not allow this action."""

    code = "not_in_this_state"
    title = "The withdrawal's status does not allow this. Reload the page to see its status."


register_refusal(
    "withdrawal_pays_something", lambda _detail: Invalid("amount", "Enter an amount above zero.")
)
