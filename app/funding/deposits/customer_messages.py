"""What customers read about their deposits: how to pay, and why one failed."""

from collections.abc import Mapping

from app.catalog.rules import PaymentMethod
from app.funding.deposits.queries import Deposit
from app.notifications.kinds import (
    BankInstructions,
    DepositFailed,
    DepositPending,
    TokenInstructions,
    TransferAwaited,
)

#: What the customer reads for each of the providers' failure codes.
_FAILURE_REASONS = {
    "card_declined": "The card's bank declined the payment.",
    "insufficient_funds": "There was not enough money on the card or account.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The card's security code was wrong.",
    "authentication_required": "The card's bank requires you to confirm the payment.",
    "cancelled_by_customer": "You declined the payment on your phone.",
    "expired": "The payment was not confirmed on your phone in time.",
    "phone_unreachable": "Your phone could not be reached.",
    "wrong_pin": "The PIN that was entered on your phone was wrong.",
    "never_finished": "The payment was not completed in time.",
    "never_arrived": "The provider has no record of the payment.",
    "nothing_came": "No money arrived in time. If it arrives later, we still credit it.",
}


def failed_message(deposit: Deposit, code: str) -> DepositFailed:
    """Return the message that says why the deposit will not come."""
    reason = _FAILURE_REASONS.get(code, "The payment could not be made.")
    return DepositFailed(deposit.terms(deposit.requested_amount), reason)


def pending_message(
    deposit: Deposit, details: Mapping[str, str], *, closes_after_days: int
) -> DepositPending:
    """Return the message that says how to pay. A card's details hold a secret, which stays here."""
    terms = deposit.terms(deposit.requested_amount)
    match deposit.method:
        case PaymentMethod.BANK:
            account = BankInstructions(
                details["accountNumber"], details["routingNumber"], details["bankName"]
            )
            return TransferAwaited(terms, deposit.fee_terms, account, closes_after_days)
        case PaymentMethod.CRYPTO:
            address = TokenInstructions(details["network"], details["address"])
            return TransferAwaited(terms, deposit.fee_terms, address, closes_after_days)
    return DepositPending(terms, deposit.fee_terms)
