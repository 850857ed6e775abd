"""Find the deposits that we credited and their provider does not list."""

from collections.abc import Collection
from datetime import datetime

from app.funding.deposits import service as deposits
from app.kit import ids
from app.reconciliation.comparison import Comparison

_CREDITED = """
SELECT id, provider_ref FROM deposits
WHERE provider = %s AND credited_at >= %s AND requested_at >= %s
"""


def report_unlisted_deposits(
    comparison: Comparison, provider: str, listed: Collection[str], since: datetime
) -> None:
    """Report the deposits credited since then that the provider does not list.

    `listed` are the provider's ids and our references: a payment may be listed under either.
    """
    with comparison.database.reading() as session:
        rows = session.rows(_CREDITED, (provider, since, since))
    for deposit_id, provider_ref in rows:
        public_id = ids.encode(deposits.PREFIX, deposit_id)
        if provider_ref in listed or public_id in listed:
            continue
        with comparison.noting_error():
            comparison.report(
                public_id,
                "We credited a deposit that the provider does not list",
                {"deposit": public_id, "their id": provider_ref},
            )
