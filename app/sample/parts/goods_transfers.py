"""Goods that go from one location to another."""

from app.sample.business import Business
from app.sample.timeline import Part
from app.vault.transfers import service as stock_transfers

PART = Part()


def _send(business: Business, name: str, origin: str, destination: str, **units: int) -> None:
    with business.transaction() as session:
        business.things[name] = stock_transfers.send_goods(
            session,
            business.actor("inventory"),
            origin=origin,
            destination=destination,
            units_by_sku={sku.replace("_", "-"): count for sku, count in units.items()},
        )


@PART.ago(days=80)
def restock_a_shop(business: Business) -> None:
    """Gold goes from the vault to the shop at the harbour."""
    _send(business, "gold sent", "MAIN-VAULT", "HARBOUR-SHOP", AU_EAGLE_1OZ=1)


@PART.ago(days=79)
def receive_gold(business: Business) -> None:
    """It arrives a day later."""
    with business.transaction() as session:
        stock_transfers.receive(
            session, business.actor("admin"), business.things["gold sent"], {"AU-EAGLE-1OZ": 1}
        )


@PART.ago(days=38)
def send_silver(business: Business) -> None:
    """Silver goes from the harbour to the airport."""
    _send(business, "silver sent", "HARBOUR-SHOP", "AIRPORT-SHOP", AG_ROUND_1OZ=12)


@PART.ago(days=37)
def receive_less_silver(business: Business) -> None:
    """Two of its coins are missing."""
    actor, transfer_id = business.actor("admin"), business.things["silver sent"]
    with business.transaction() as session:
        stock_transfers.receive(session, actor, transfer_id, {"AG-ROUND-1OZ": 10})
        stock_transfers.close_short(
            session, actor, transfer_id, reason="One tube holds ten coins only"
        )


@PART.ago(days=9)
def cancel_a_transfer(business: Business) -> None:
    """Palladium does not go after all."""
    _send(business, "palladium sent", "MAIN-VAULT", "MAIN-SHOP", PD_BAR_1OZ=1)
    with business.transaction() as session:
        stock_transfers.cancel(session, business.actor("admin"), business.things["palladium sent"])


@PART.ago(days=1)
def send_copper(business: Business) -> None:
    """Copper is on its way."""
    _send(business, "copper sent", "MAIN-VAULT", "MAIN-SHOP", CU_BAR_1KG=15, AU_EAGLE_1OZ=1)
