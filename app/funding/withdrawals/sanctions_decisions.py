"""What a sanctions decision does to the withdrawal that was screened."""

from uuid import UUID

from app.cases import service as cases
from app.funding.states import WithdrawalStatus
from app.funding.withdrawals import queries
from app.funding.withdrawals import service as withdrawals
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.screening.decisions.consequences import DecisionEffect, register_effect


def handle_screening_decision(session: Session, about: str, case_id: UUID | None) -> None:
    """Review the withdrawal that a sanctions decision is about, if it is one.

    The history of the case says what became of it.
    """
    withdrawal_id = ids.try_decode(withdrawals.PREFIX, about)
    if withdrawal_id is None:
        return
    before = queries.lock_withdrawal(session, withdrawal_id)
    withdrawals.review(session, withdrawal_id)
    after = queries.lock_withdrawal(session, withdrawal_id)
    if case_id is not None and after.status is not before.status:
        change = f"{before.status.label} → {after.status.label}"
        text = f"Withdrawal of {format_amount(after.amount)}, {change}: {after.public_id}"
        cases.record_consequence(session, case_id, text)


def _describe_effect(session: Session, withdrawal_id: UUID) -> DecisionEffect:
    withdrawal = queries.withdrawal(session, withdrawal_id)
    if withdrawal.status is not WithdrawalStatus.IN_REVIEW:
        return DecisionEffect()
    name = f"the withdrawal of {format_amount(withdrawal.amount)}"
    return DecisionEffect(
        f"Rejects {name}, and the customer can use the amount again: {withdrawal.public_id}",
        f"Lets {name} continue, unless another hit is undecided: {withdrawal.public_id}",
    )


register_effect(withdrawals.PREFIX, _describe_effect)
