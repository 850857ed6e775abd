"""Goods that are examined before they are for sale, and go back to their supplier if they fail."""

from app.sample.business import Business
from app.sample.timeline import Part
from app.vault.assays import service as assays
from app.vault.assays.service import NewAssay
from app.vault.supplier_returns import service as supplier_returns
from app.vault.supplier_returns.service import NewSupplierReturn

PART = Part()


@PART.ago(days=70)
def put_gold_aside(business: Business) -> None:
    """The gold of a shop looks pale."""
    with business.transaction() as session:
        business.things["pale gold"] = assays.put_into_quarantine(
            session,
            business.actor("inventory"),
            sku="AU-MAPLE-1OZ",
            location="MAIN-SHOP",
            units="2",
            reason="Two coins look pale",
        )


@PART.ago(days=69)
def examine_pale_gold(business: Business) -> None:
    """One of the coins is what it should be; the other one is examined again elsewhere."""
    with business.transaction() as session:
        assays.record_assay(
            session,
            business.actor("admin"),
            business.things["pale gold"],
            NewAssay("1", "passed", "xrf", "Au 99.99 %"),
        )


@PART.ago(days=64)
def fail_pale_gold(business: Business) -> None:
    """The other coin is not what it should be."""
    with business.transaction() as session:
        assays.record_assay(
            session,
            business.actor("admin"),
            business.things["pale gold"],
            NewAssay("1", "failed", "fire_assay", "Au 98.72 %, Ag 1.21 %"),
        )


@PART.ago(days=62)
def return_pale_gold(business: Business) -> None:
    """It goes back to the mint."""
    with business.transaction() as session:
        approval_id = supplier_returns.request_return(
            session,
            business.actor("inventory"),
            NewSupplierReturn("AU-MAPLE-1OZ", "MAIN-SHOP", "1", "First Mint", "FM-C-12"),
            reason="It failed its assay",
        )
    business.approve("compliance", approval_id)


@PART.ago(days=5)
def put_silver_aside(business: Business) -> None:
    """Silver waits for its assay."""
    with business.transaction() as session:
        assays.put_into_quarantine(
            session,
            business.actor("inventory"),
            sku="AG-EAGLE-1OZ",
            location="MAIN-SHOP",
            units="5",
            reason="A customer doubts their weight",
        )
