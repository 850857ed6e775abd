"""Withdrawals that our own account at the provider cannot cover: they wait and are tried again."""

from datetime import datetime, timedelta
from typing import Final

from app.funding.states import WithdrawalStatus
from app.funding.withdrawals.queries import LockedWithdrawal
from app.funding.withdrawals.status_changes import transition
from app.kit import clock
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.providers import own_funds
from app.providers.errors import OwnFundsTooLow

#: How long a withdrawal waits between two tries.
PAUSE: Final = timedelta(minutes=5)

# The code stands in the evidence of the event, as the timeline of staff shows it.
_REFUSED_AT = """
SELECT at FROM withdrawal_events
WHERE withdrawal_id = %(id)s AND to_status = 'approved' AND evidence LIKE %(code)s
ORDER BY id DESC LIMIT 1
"""
_OTHERS_WAIT = """
SELECT EXISTS (
    SELECT FROM withdrawals w
    JOIN LATERAL (
        SELECT evidence FROM withdrawal_events WHERE withdrawal_id = w.id ORDER BY id DESC LIMIT 1
    ) AS latest ON true
    WHERE w.status = 'approved' AND w.provider = %(provider)s AND w.asset = %(asset)s
        AND w.id <> %(id)s AND latest.evidence LIKE %(code)s
)
"""
_CODE = f"{OwnFundsTooLow.CODE}%"


def wait(session: Session, withdrawal: LockedWithdrawal, refusal: OwnFundsTooLow) -> None:
    """Have a withdrawal wait that the provider refused because of our balance; alert staff."""
    transition(session, withdrawal, WithdrawalStatus.APPROVED, evidence=str(refusal))
    own_funds.report_shortage(
        session, withdrawal.provider, withdrawal.asset, amount=format_amount(withdrawal.amount),
        code=refusal.provider_code,
    )  # fmt: skip


def is_waiting(session: Session, withdrawal: LockedWithdrawal) -> bool:
    """Return whether an approved withdrawal was refused too lately to be tried again."""
    refused_at: datetime | None = session.optional_value(
        _REFUSED_AT, {"id": withdrawal.id, "code": _CODE}
    )
    return refused_at is not None and clock.now() < refused_at + PAUSE


def end(session: Session, withdrawal: LockedWithdrawal) -> None:
    """Note that the provider accepted a withdrawal: once none waits, the alert ends."""
    values = {
        "provider": withdrawal.provider, "asset": withdrawal.asset, "id": withdrawal.id,
        "code": _CODE,
    }  # fmt: skip
    if not session.value(_OTHERS_WAIT, values):
        own_funds.end_shortage(session, withdrawal.provider, withdrawal.asset)
