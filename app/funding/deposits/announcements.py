"""Transfers that customers announce: which of them are still waited for, and when they lapse."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.deposits.queries import Deposit
from app.funding.limits import PaymentLimits
from app.funding.models import DepositRow
from app.funding.states import OPEN_DEPOSITS
from app.kit import clock
from app.kit.db import Session
from app.settings.queries import current


def open_announcement(session: Session, deposit_id: UUID) -> Deposit | None:
    """Return an announced transfer whose provider is about to be called; None if it has ended.

    One that is too old lapses now. Money that arrives later is credited, like every transfer that
    was not announced.
    """
    deposit = deposit_queries.find_deposit(session, deposit_id)
    if deposit is None or deposit.status not in OPEN_DEPOSITS or _lapses(session, deposit):
        return None
    deposits.mark_opened(session, deposit.id)
    return deposit


def open_announcements(session: Session, deposit_id: UUID) -> Sequence[Deposit]:
    """Return a transfer as `open_announcement` does, and the others that the customer announced for
    the same account, oldest first; nothing if it has ended."""
    deposit = deposit_queries.find_deposit(session, deposit_id)
    if deposit is None or deposit.status not in OPEN_DEPOSITS:
        return ()
    select = deposit_queries.DEPOSITS.select.where(
        DepositRow.user_id == deposit.user_id,
        DepositRow.method == deposit.method,
        DepositRow.provider == deposit.provider,
        DepositRow.status.in_(sorted(OPEN_DEPOSITS)),
    ).order_by(DepositRow.id)
    waiting = [each for each in session.select(Deposit, select) if not _lapses(session, each)]
    for each in waiting:
        deposits.mark_opened(session, each.id)
    return waiting


def _lapses(session: Session, deposit: Deposit) -> bool:
    """End an announcement that is too old, and return whether it was."""
    lifetime = timedelta(days=current(session, PaymentLimits).transfer_days)
    if clock.now() - deposit.requested_at < lifetime:
        return False
    deposits.fail(session, deposit.id, "nothing_came")
    return True
