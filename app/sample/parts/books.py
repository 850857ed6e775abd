"""A month of the books that is closed, and an entry that adjusts it afterwards."""

from datetime import date, timedelta

from app.books import adjusting, closing
from app.books.adjusting import AdjustingLine
from app.kit import clock
from app.ledger.chart import HOUSE, AccountClass
from app.sample.business import Business
from app.sample.timeline import Part

PART = Part()


def _last_day() -> date:
    """Return the last day of the month before this moment."""
    return clock.now().date().replace(day=1) - timedelta(days=1)


def _account(account_class: AccountClass) -> str:
    return f"{account_class}/{HOUSE.hex}"


@PART.ago(days=20)
def close_a_month(business: Business) -> None:
    """Two administrators close the books until the end of the month before."""
    with business.transaction() as session:
        approval_id = closing.request_closing(
            session, business.actor("admin"), _last_day(), reason="The month is reconciled"
        )
    business.approve("admin2", approval_id)


@PART.ago(days=19)
def adjust_the_month(business: Business) -> None:
    """An invoice of the closed month comes late."""
    with business.transaction() as session:
        approval_id = adjusting.request_adjustment(
            session,
            business.actor("admin2"),
            on=_last_day(),
            asset="USD",
            lines=[
                AdjustingLine(_account(AccountClass.PROCESSING_COSTS), "350.00", ""),
                AdjustingLine(_account(AccountClass.PAYABLES), "", "350.00"),
            ],
            reason="Invoice of the bank for that month, received late",
        )
    business.approve("admin", approval_id)
