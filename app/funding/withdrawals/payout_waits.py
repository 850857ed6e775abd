"""Why a withdrawal would wait although it was released, for the job that sends it and for staff."""

from uuid import UUID

from app.funding.states import WithdrawalStatus
from app.funding.withdrawals import own_funds
from app.funding.withdrawals.queries import Withdrawal
from app.identity.accounts import queries as account_queries
from app.kit.db import Session
from app.kit.labels import LabelledEnum
from app.kyc import queries as kyc_queries
from app.kyc import rules as kyc_rules


class PayoutWait(LabelledEnum):
    """What an approved withdrawal waits for, besides the time of a new destination."""

    SUSPENDED = (
        "suspended",
        "The customer is suspended. The payout waits until the account is active again.",
    )
    UNVERIFIED = (
        "unverified",
        "The customer has no tier any more. The payout waits until an identity is approved again.",
    )
    OWN_FUNDS = (
        "own_funds",
        "Our account at the provider could not cover the payout. It is tried again within minutes.",
    )


def find_wait_of_customer(session: Session, user_id: UUID) -> PayoutWait | None:
    """Return why nothing is paid out to the customer now; None if nothing prevents it."""
    if not account_queries.is_active(session, user_id):
        return PayoutWait.SUSPENDED
    if kyc_queries.tier_status(session, user_id).tier == kyc_rules.TIER_NONE:
        return PayoutWait.UNVERIFIED
    return None


def find_wait(session: Session, withdrawal: Withdrawal) -> PayoutWait | None:
    """Return why a withdrawal that staff released, or could release, is not sent; None if nothing
    prevents it, or in another status."""
    is_approved = withdrawal.status is WithdrawalStatus.APPROVED
    if not is_approved and withdrawal.status is not WithdrawalStatus.AWAITING_APPROVAL:
        return None
    wait = find_wait_of_customer(session, withdrawal.user_id)
    if wait is None and is_approved and own_funds.is_waiting(session, withdrawal):
        return PayoutWait.OWN_FUNDS
    return wait
