"""What funding refuses, by name."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, FeatureDisabled, Invalid


class GateClosed(Conflict):
    """PAXG strays too far from gold for a move one to one by weight."""

    code = "gate_closed"
    title = "PAXG and gold are too far apart in price; transfers wait until they meet again"


class TransferLimitExceeded(Conflict):
    """More moved within a day than the limit."""

    code = "transfer_limit_exceeded"
    title = "This would move more than the limit of one day"


class PaymentMethodDisabled(FeatureDisabled):
    """This way of paying in or out is not offered here."""

    title = "This method is not available here"


class VerificationRequired(Conflict):
    """Money comes and goes only for people who have shown who they are."""

    code = "kyc_required"
    title = "Verify who you are first"


class DailyLimitExceeded(Conflict):
    """More within 24 hours than the person's tier allows."""

    code = "daily_limit_exceeded"
    title = "This would go beyond your limit for 24 hours"


class TooManyFailures(Conflict):
    """Several cards were declined within an hour."""

    code = "too_many_card_failures"
    title = "Too many cards were declined; try again in an hour"


class AccountOwes(Conflict):
    """The customer owes us: nothing goes out until that is settled."""

    code = "account_owes"
    title = "A payment of yours was taken back; settle what is owed before you withdraw"


class RecipientBlocked(Conflict):
    """Compliance decided that the recipient may not be paid."""

    code = "recipient_blocked"
    title = "This recipient cannot be paid"


class NotCancellable(Conflict):
    """It was sent, or has ended."""

    code = "not_cancellable"
    title = "This can no longer be cancelled"


class WrongWithdrawalStatus(Conflict):
    """Staff asked for a step that the present status does not have."""

    code = "not_in_this_state"
    title = "This is not possible in its present status"


register_refusal(
    "withdrawal_pays_something", lambda _detail: Invalid("amount", "Enter an amount above zero.")
)
