"""Find the deposits that we credited and their provider does not list."""

from app.funding.deposits import service as deposits
from app.kit import ids
from app.reconciliation.comparison import Comparison

_CREDITED = """
SELECT id, provider_ref FROM deposits
WHERE provider = %s AND credited_at >= %s AND requested_at >= %s
"""


def report_unlisted_deposits(comparison: Comparison, provider: str, listed: set[str]) -> None:
    """Report the deposits that we credited and the provider does not list."""
    with comparison.database.reading() as session:
        rows = session.rows(_CREDITED, (provider, comparison.since, comparison.since))
    for deposit_id, provider_ref in rows:
        if provider_ref in listed:
            continue
        public_id = ids.encode(deposits.PREFIX, deposit_id)
        with comparison.noting_error():
            comparison.report(
                public_id,
                "We credited a deposit that the provider does not list",
                {"deposit": public_id, "their id": provider_ref},
            )
