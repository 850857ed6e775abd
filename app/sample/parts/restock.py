"""Suppliers, and what is bought from them: silver that arrived in two deliveries and is invoiced,
and copper that is on its way."""

from decimal import Decimal
from uuid import UUID

from app.catalog.rules import USD
from app.fulfillment.restock.invoices import service as invoices
from app.fulfillment.restock.purchase_orders import service as purchases
from app.fulfillment.restock.purchase_orders.service import AgreedCost
from app.fulfillment.restock.receiving import service as receiving
from app.fulfillment.restock.receiving.service import ArrivedGoods
from app.fulfillment.restock.suppliers import service as suppliers
from app.fulfillment.restock.suppliers.service import SupplierTerms
from app.kit import clock
from app.kit.money import Amount
from app.sample.business import Business
from app.sample.timeline import Part

PART = Part()
_FROM_WHOLESALER = (
    ("AU-EAGLE-1OZ", "1EAGLE"),
    ("AU-MAPLE-1OZ", "1MAPLE"),
    ("AU-BUFFALO-1OZ", "1BUFF"),
    ("AU-KRUGERRAND-1OZ", "1KRUG"),
    ("AG-EAGLE-1OZ", "SE"),
    ("AG-MAPLE-1OZ", "SML"),
)
_FROM_FOUNDRY = (("CU-BAR-1KG", "K-1000"), ("CU-ROUND-1OZ", "R-31"), ("AG-ROUND-1OZ", "R-32"))


@PART.ago(days=21)
def add_suppliers(business: Business) -> None:
    """Add a wholesaler with an API and a foundry without one, with their products."""
    with business.transaction() as session:
        wholesaler = suppliers.add_supplier(
            session,
            business.actor("inventory"),
            SupplierTerms("Dillon Gage", "", "2", "4", "1000.00", "yes"),
            provider="fiztrade",
        )
        foundry = suppliers.add_supplier(
            session,
            business.actor("inventory"),
            SupplierTerms("Copper Foundry", "orders@foundry.example.com", "30", "7", "", "yes"),
        )
        for supplier_id, products in ((wholesaler, _FROM_WHOLESALER), (foundry, _FROM_FOUNDRY)):
            for sku, code in products:
                suppliers.set_product(
                    session, business.actor("inventory"), supplier_id, sku=sku, code=code
                )


def _order(
    business: Business, location: str, units_by_sku: dict[str, int], agreed: AgreedCost
) -> UUID:
    """Order units of a product by hand, and record that the supplier took the order."""
    actor = business.actor("inventory")
    with business.transaction() as session:
        [order_id] = purchases.order_by_hand(
            session, actor, location=location, units_by_sku=units_by_sku
        )
        costs = dict.fromkeys(units_by_sku, agreed)
        purchases.confirm(session, actor, order_id, confirmation=f"CF-{location}", costs=costs)
    return order_id


def _agreed(cost: str, spot: str) -> AgreedCost:
    return AgreedCost(Amount.parse(USD, cost), Decimal(spot))


@PART.ago(days=12)
def order_rounds(business: Business) -> None:
    """Order silver rounds for the shop at the airport."""
    business.things["rounds"] = _order(
        business, "AIRPORT-SHOP", {"AG-ROUND-1OZ": 12}, _agreed("648.00", "49.8")
    )


def _receive(business: Business, note: str, units: str) -> None:
    with business.transaction() as session:
        goods = ArrivedGoods("AG-ROUND-1OZ", note, units)
        receiving.receive(session, business.actor("inventory"), business.things["rounds"], goods)


@PART.ago(days=7)
def receive_some(business: Business) -> None:
    """Receive eight of them; four are on back-order."""
    _receive(business, "DN-311", "8")


@PART.ago(days=5)
def receive_the_rest(business: Business) -> None:
    """Receive the rest, and record the invoice, which asks for a little more."""
    _receive(business, "DN-316", "4")
    with business.transaction() as session:
        invoices.record_invoice(
            session,
            business.actor("inventory"),
            business.things["rounds"],
            number="INV-2207",
            amount="655.50",
            invoiced_on=clock.now().date(),
        )


@PART.ago(days=1)
def order_copper(business: Business) -> None:
    """Order copper for the shop at the harbour, which is on its way."""
    _order(business, "HARBOUR-SHOP", {"CU-BAR-1KG": 10}, _agreed("155.00", "0.33"))
