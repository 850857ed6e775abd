"""Goods in partners' depots, and what the partners state: it differs in one product.

Two partners send what they keep: most of the most wanted coins are there, so that orders and
redemptions of them are delivered without a person.
"""

from app.sample.business import Business
from app.sample.timeline import Part
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewReceipt
from app.vault.locations import queries as locations_queries
from app.vault.locations import service as locations
from app.vault.locations.rules import LocationKind
from app.vault.stock import queries as stock_queries

PART = Part()
#: The providers that send what they keep, by their depot.
_SENDERS = {"JM-DALLAS": "jmb", "BRINKS-MEMPHIS": "brinks"}
#: Units that the partner states too few.
_MISSING = {("DEPOT-EAST", "CU-BAR-1KG"): 2}


@PART.ago(days=70)
def open_second_depot(business: Business) -> None:
    """Open a second depot, and receive goods there."""
    with business.transaction() as session:
        locations.open_location(
            session,
            business.actor("admin"),
            branch_id=business.things["HARBOUR"],
            code="DEPOT-EAST",
            name="Depot of a partner, East",
            kind=LocationKind.DEPOT,
        )
        for receipt in (
            NewReceipt("CU-BAR-1KG", "DEPOT-EAST", "20", "312.00", "0.31", "First Mint", "FM-1066"),
            NewReceipt(
                "PT-EAGLE-1OZ", "DEPOT-EAST", "1", "1042.00", "985", "First Mint", "FM-1066"
            ),
        ):
            deliveries.receive_goods(session, business.actor("inventory"), receipt)


@PART.ago(minutes=25)
def open_depots_that_send(business: Business) -> None:
    """Open the depots of the partners that send what they keep, and receive goods there."""
    with business.transaction() as session:
        for code, name in (
            ("JM-DALLAS", "JM Bullion, Dallas"),
            ("BRINKS-MEMPHIS", "Brink's, Memphis"),
        ):
            locations.open_location(
                session,
                business.actor("admin"),
                branch_id=business.things["MAIN"],
                code=code,
                name=name,
                kind=LocationKind.DEPOT,
            )
        for receipt in (
            NewReceipt(
                "AU-EAGLE-1OZ", "JM-DALLAS", "5", "20275.00", "3990", "First Mint", "FM-1071"
            ),
            NewReceipt(
                "AG-EAGLE-1OZ", "BRINKS-MEMPHIS", "80", "4360.00", "49.1", "First Mint", "FM-1072"
            ),
        ):
            deliveries.receive_goods(session, business.actor("inventory"), receipt)


@PART.ago(minutes=20)
def state_what_is_kept(business: Business) -> None:
    """Let each partner state what is in its depots."""
    with business.transaction() as session:
        depots = {
            location.code: stock_queries.present_units(session, location.id)
            for location in locations_queries.list_locations(session)
            if location.kind is LocationKind.DEPOT
        }
    for code, present in depots.items():
        for sku, units in present.items():
            business.providers.control(
                _SENDERS.get(code, "depository"), "/inventory", account=code, sku=sku,
                quantity=units - _MISSING.get((code, sku), 0),
            )  # fmt: skip
