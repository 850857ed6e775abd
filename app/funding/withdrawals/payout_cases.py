"""Cases about what a provider reports of a payout."""

from app.cases import service as cases
from app.funding.ports import Payout
from app.funding.withdrawals.queries import LockedWithdrawal
from app.kit.db import Session
from app.kit.formatting import format_amount


def report_contradiction(session: Session, withdrawal: LockedWithdrawal, payout: Payout) -> None:
    """Open a case: the provider says that a withdrawal ended otherwise than it said before."""
    cases.open_case(
        session,
        kind="payout_end",
        subject=withdrawal.public_id,
        key=f"{withdrawal.public_id}:{payout.state}",
        title="A provider contradicts how a withdrawal ended",
        facts={
            "with us": withdrawal.status,
            "there": f"{payout.state}, {format_amount(payout.amount)}",
            "provider": withdrawal.provider,
            "their id": payout.evidence or payout.provider_ref,
        },
        person_id=withdrawal.user_id,
    )


def report_wrong_amount(session: Session, withdrawal: LockedWithdrawal, payout: Payout) -> None:
    """Open a case: the provider reports another amount than was ordered."""
    cases.open_case(
        session,
        kind="payout_amount",
        subject=withdrawal.public_id,
        key=withdrawal.public_id,
        title="Payout amount differs from the order",
        facts={
            "ordered": format_amount(withdrawal.receives),
            "reported": format_amount(payout.amount),
            "provider": withdrawal.provider,
        },
        person_id=withdrawal.user_id,
    )
