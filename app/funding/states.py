"""Statuses of deposits and withdrawals, and the transitions between them. Pure."""

from app.kit.labels import Mark, StatusEnum
from app.kit.states import Transitions


class DepositStatus(StatusEnum):
    """The status of a deposit."""

    REQUESTED = "requested", "Requested", Mark.UNDERWAY
    """The provider is being called."""
    UNKNOWN = "unknown", "Status unknown (asking provider)", Mark.UNCERTAIN
    """The provider was called and did not respond; the system keeps asking."""
    PENDING = "pending", "Waiting for payment", Mark.WAITING
    """The customer or the customer's bank has to act."""
    CREDITED = "credited", "Credited", Mark.DONE
    DISPUTED = "disputed", "Disputed", Mark.PROBLEM
    """The customer's bank took it back, and PBCEx contests that."""
    TAKEN_BACK = "taken_back", "Reversed", Mark.RETURNED
    """The money is gone for good."""
    FAILED = "failed", "Failed", Mark.FAILED
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED


class Reversal(StatusEnum):
    """How a credited deposit was reversed."""

    CHARGED_BACK = "charged_back", "Charged back", Mark.RETURNED
    """The customer's bank took it back."""
    REFUNDED = "refunded", "Refunded", Mark.RETURNED
    """It was refunded at the processor."""
    RETURNED = "returned", "Returned by the bank", Mark.RETURNED
    """The sender's bank took the transfer back."""


class CardRefundStatus(StatusEnum):
    """The status of a refund to a card. Its amount is held until it has an end."""

    REQUESTED = "requested", "Being sent", Mark.UNDERWAY
    """The processor is being called, and asked again until it has answered."""
    REFUNDED = "refunded", "Refunded to the card", Mark.DONE
    FAILED = "failed", "Not possible: the amount is in the balance", Mark.FAILED
    """The processor refused it, or the card's bank returned it."""


class DisputeStatus(StatusEnum):
    """The status of a dispute by the bank of a card."""

    OPEN = "open", "Open", Mark.PROBLEM
    """The bank has the money, and PBCEx may contest that."""
    WON = "won", "Won", Mark.DONE
    """The money is back."""
    LOST = "lost", "Lost", Mark.FAILED
    """The money is gone, and its customer owes it."""


class WithdrawalStatus(StatusEnum):
    """The status of a withdrawal. The amount is held until it is paid out or released."""

    IN_REVIEW = "in_review", "In review", Mark.REVIEW
    # Compliance compares the payee with the sanctions list, or no list was imported yet: the text
    # is for customers, who do not learn that.
    """Our staff check it."""
    AWAITING_APPROVAL = "awaiting_approval", "Awaiting release", Mark.WAITING
    """Two members of staff have to release it, because of its size."""
    APPROVED = "approved", "Approved", Mark.UNDERWAY
    """It is about to be sent, and can still be cancelled."""
    SENDING = "sending", "Sending", Mark.UNDERWAY
    """The provider is being called."""
    UNKNOWN = "unknown", "Status unknown (asking provider)", Mark.UNCERTAIN
    """The provider was called and did not respond: its records decide what happens next."""
    SENT = "sent", "Sent", Mark.UNDERWAY
    """The provider accepted it."""
    COMPLETED = "completed", "Completed", Mark.DONE
    RETURNED = "returned", "Returned", Mark.RETURNED
    """It came back after completion, and was credited again."""
    FAILED = "failed", "Failed", Mark.FAILED
    REJECTED = "rejected", "Rejected", Mark.FAILED
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED


_D, _W = DepositStatus, WithdrawalStatus

DEPOSIT_TRANSITIONS = Transitions(
    {
        _D.REQUESTED: {_D.UNKNOWN, _D.PENDING, _D.CREDITED, _D.FAILED, _D.CANCELLED},
        _D.UNKNOWN: {_D.PENDING, _D.CREDITED, _D.FAILED, _D.CANCELLED},
        _D.PENDING: {_D.UNKNOWN, _D.CREDITED, _D.FAILED, _D.CANCELLED},
        _D.CREDITED: {_D.DISPUTED, _D.TAKEN_BACK},
        _D.DISPUTED: {_D.CREDITED, _D.TAKEN_BACK},
        # Another part of it is disputed, or a dispute ends again, the other way.
        _D.TAKEN_BACK: {_D.CREDITED, _D.DISPUTED},
        # Our end is not the provider's: the money can still arrive.
        _D.FAILED: {_D.CREDITED},
        _D.CANCELLED: {_D.CREDITED},
    }
)
WITHDRAWAL_TRANSITIONS = Transitions(
    {
        _W.IN_REVIEW: {_W.AWAITING_APPROVAL, _W.APPROVED, _W.REJECTED, _W.CANCELLED},
        _W.AWAITING_APPROVAL: {_W.IN_REVIEW, _W.APPROVED, _W.REJECTED, _W.CANCELLED},
        _W.APPROVED: {_W.SENDING, _W.IN_REVIEW, _W.REJECTED, _W.CANCELLED},
        _W.SENDING: {_W.UNKNOWN, _W.SENT, _W.COMPLETED, _W.FAILED, _W.APPROVED},
        # Back to approved: our own account could not cover it, so that nothing was paid.
        _W.UNKNOWN: {_W.SENDING, _W.SENT, _W.COMPLETED, _W.FAILED, _W.APPROVED},
        _W.SENT: {_W.COMPLETED, _W.FAILED, _W.RETURNED, _W.APPROVED},
        _W.COMPLETED: {_W.RETURNED},
    }
)
CARD_REFUND_TRANSITIONS = Transitions(
    {
        CardRefundStatus.REQUESTED: {CardRefundStatus.REFUNDED, CardRefundStatus.FAILED},
        # The card's bank returns some, and now and then takes them after all.
        CardRefundStatus.REFUNDED: {CardRefundStatus.FAILED},
        CardRefundStatus.FAILED: {CardRefundStatus.REFUNDED},
    }
)
#: Deposits whose outcome is open: the poll checks them.
OPEN_DEPOSITS = frozenset({_D.REQUESTED, _D.UNKNOWN, _D.PENDING})
#: Deposits whose outcome is known, before anything is taken back.
ENDED_DEPOSITS = frozenset({_D.CREDITED, _D.FAILED, _D.CANCELLED})
#: Deposits that were credited, whether or not they were taken back since.
RECEIVED_DEPOSITS = frozenset({_D.CREDITED, _D.DISPUTED, _D.TAKEN_BACK})
#: Withdrawals that can be cancelled or rejected: no provider was called yet.
CANCELLABLE_WITHDRAWALS = frozenset({_W.IN_REVIEW, _W.AWAITING_APPROVAL, _W.APPROVED})
#: Withdrawals whose outcome only the provider knows.
WITHDRAWALS_IN_PROGRESS = frozenset({_W.SENDING, _W.UNKNOWN, _W.SENT})
#: Withdrawals that may still be paid out.
OPEN_WITHDRAWALS = CANCELLABLE_WITHDRAWALS | WITHDRAWALS_IN_PROGRESS
#: Withdrawals that the provider has accepted.
PAID_WITHDRAWALS = frozenset({_W.SENT, _W.COMPLETED, _W.RETURNED})
#: Payments that moved nothing, or nothing that stayed: they use up no limit.
VOID_DEPOSITS = frozenset({_D.FAILED, _D.CANCELLED})
VOID_WITHDRAWALS = frozenset({_W.FAILED, _W.REJECTED, _W.CANCELLED, _W.RETURNED})
#: Card payments that count as failures. Undecided ones do, also those whose bank wants them
#: confirmed: otherwise many cards could be tried at the same time.
FAILED_CARD_DEPOSITS = frozenset({_D.FAILED, _D.REQUESTED, _D.UNKNOWN, _D.PENDING})
