"""Goods that were lost and found, booked by two people."""

from app.kit import ids
from app.sample.business import Business
from app.sample.timeline import Part
from app.vault.adjustments import service as adjustments
from app.vault.adjustments.service import NewAdjustment

PART = Part()


def _adjust(business: Business, wanted: NewAdjustment, reason: str) -> None:
    with business.transaction() as session:
        approval_id = adjustments.request_adjustment(
            session, business.actor("inventory"), wanted, reason=reason
        )
    business.approve("compliance", approval_id)


@PART.ago(days=35)
def write_off_silver(business: Business) -> None:
    """One of two missing coins is not found."""
    transfer = ids.encode("stf", business.things["silver sent"])
    _adjust(
        business,
        NewAdjustment("AG-ROUND-1OZ", "HARBOUR-SHOP", "in_transit", "loss", "1", transfer),
        "The courier found one coin of two",
    )


@PART.ago(days=20)
def find_a_coin(business: Business) -> None:
    """A coin more is there than the books have."""
    _adjust(
        business,
        NewAdjustment("AG-EAGLE-1OZ", "MAIN-SHOP", "available", "found", "1"),
        "It lay behind a drawer",
    )
