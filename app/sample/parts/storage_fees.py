"""Storage is charged: two months are closed, and support waives one charge."""

from app.kit.list_query import ListQuery, fetch_page
from app.sample.business import Business
from app.sample.timeline import Part
from app.storage_fees import queries, waiving
from app.storage_fees.rules import ChargeStatus

PART = Part()


def _charge(business: Business) -> None:
    """Accrue the days since the last time, and charge the months that have ended."""
    business.stage("storage_fees.catch_up")
    business.stage("storage_fees.stage_charges")


@PART.ago(days=64)
def begin(business: Business) -> None:
    """Accrue the first day."""
    business.stage("storage_fees.catch_up")


@PART.ago(days=31)
def charge_the_month_before_last(business: Business) -> None:
    """Charge the month before last."""
    _charge(business)


@PART.ago(hours=5)
def charge_last_month(business: Business) -> None:
    """Charge last month, and waive the fee of one customer."""
    _charge(business)
    with business.transaction() as session:
        charged = ListQuery({"status": ChargeStatus.CHARGED}, "-month", limit=1)
        [charge] = fetch_page(session, queries.CHARGES, charged).rows
        waiving.waive(
            session,
            business.actor("support"),
            charge.id,
            reason="The customer learned of the fee too late.",
        )
