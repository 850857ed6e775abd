"""Counts of the shelves: one that agrees with the books, and one that does not."""

from uuid import UUID

from app.sample.business import Business
from app.sample.timeline import Part
from app.vault.counts import booking
from app.vault.counts import service as counts
from app.vault.locations import queries as locations_queries
from app.vault.stock import queries as stock_queries

PART = Part()


def _count(business: Business, location: str, *, missing: dict[str, int]) -> UUID:
    """Count what is at a location, without the units that are missing there."""
    counter = business.actor("inventory")
    with business.transaction() as session:
        place = locations_queries.find_location(session, location)
        assert place is not None, location
        present = stock_queries.present_units(session, place.id)
        count_id = counts.start_count(session, counter, location=location)
        for sku, units in sorted(present.items()):
            found = str(units - missing.get(sku, 0))
            counts.enter_line(session, counter, count_id, sku=sku, units=found)
        counts.submit_count(session, counter, count_id)
    return count_id


@PART.ago(days=20)
def count_shop(business: Business) -> None:
    """Count a shop whose shelves agree with the books."""
    _count(business, "HARBOUR-SHOP", missing={})


@PART.ago(days=2)
def find_variance(business: Business) -> None:
    """Count the first shop, where a silver coin is missing, and ask to book it."""
    count_id = _count(business, "MAIN-SHOP", missing={"AG-EAGLE-1OZ": 1})
    with business.transaction() as session:
        booking.request_booking(
            session,
            business.actor("inventory"),
            count_id,
            reason="The coin was not found in the shop, nor in the vault.",
        )
