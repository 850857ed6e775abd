"""Withdrawals that our own account at the provider cannot cover: they wait and are tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from app.funding.models import WithdrawalEvent, WithdrawalRow
from app.funding.states import (
    CANCELLABLE_WITHDRAWALS,
    PAID_WITHDRAWALS,
    VOID_WITHDRAWALS,
    WithdrawalStatus,
)
from app.funding.withdrawals.queries import LockedWithdrawal, Withdrawal
from app.kit import clock
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.providers import own_funds
from app.providers.errors import OwnFundsTooLow

#: How long a withdrawal waits between two tries.
PAUSE: Final = timedelta(minutes=5)
#: Having been refused, a withdrawal in one of these is still to be paid.
_WAITING = CANCELLABLE_WITHDRAWALS | {WithdrawalStatus.SENDING, WithdrawalStatus.UNKNOWN}


@dataclass(frozen=True, slots=True)
class _Refusal:
    """That our account could not cover a withdrawal."""

    withdrawal_id: UUID
    at: datetime


# The code stands in the evidence of the event, as the timeline of staff shows it.
_REFUSALS = sa.select(WithdrawalEvent.withdrawal_id, WithdrawalEvent.at).where(
    WithdrawalEvent.to_status == WithdrawalStatus.APPROVED,
    WithdrawalEvent.evidence.startswith(OwnFundsTooLow.CODE),
)


def report(session: Session, withdrawal: LockedWithdrawal, refusal: OwnFundsTooLow) -> None:
    """Alert staff that a withdrawal waits."""
    own_funds.report_shortage(
        session, withdrawal.provider, withdrawal.asset, amount=format_amount(withdrawal.amount),
        code=refusal.provider_code,
    )  # fmt: skip


def is_waiting(session: Session, withdrawal: Withdrawal) -> bool:
    """Return whether an approved withdrawal was refused too lately to be tried again."""
    refused = _REFUSALS.where(WithdrawalEvent.withdrawal_id == withdrawal.id)
    last = session.find(_Refusal, refused.order_by(WithdrawalEvent.id.desc()).limit(1))
    return last is not None and clock.now() < last.at + PAUSE


def end(session: Session, withdrawal: LockedWithdrawal) -> None:
    """Note that a withdrawal is paid, or will not be: once none waits, the alert ends."""
    if withdrawal.status not in PAID_WITHDRAWALS | VOID_WITHDRAWALS:
        return
    others = (
        _REFUSALS.join(WithdrawalRow, WithdrawalRow.id == WithdrawalEvent.withdrawal_id)
        .where(
            WithdrawalRow.status.in_(_WAITING),
            WithdrawalRow.provider == withdrawal.provider,
            WithdrawalRow.asset == withdrawal.asset,
            WithdrawalRow.id != withdrawal.id,
        )
        .limit(1)
    )
    is_paid = withdrawal.status in PAID_WITHDRAWALS
    own_funds.end_shortage(
        session,
        withdrawal.provider,
        withdrawal.asset,
        waits=lambda: session.find(_Refusal, others) is not None,
        reason=f"The last payment that waited is {withdrawal.status.label.lower()}. "
        + ("Our account covers payments again." if is_paid else "The account was not topped up."),
    )
