"""Silver arrives scratched and comes back: its parcel is here, and waits for its inspection."""

from app.catalog.rules import USD
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.kit import postal_addresses
from app.kit.postal_addresses import PostalAddress
from app.sample.business import Business
from app.sample.customers import BY_NAME
from app.sample.pictures import draw_document
from app.sample.timeline import Part
from app.shop.checkout import service as checkout
from app.shop.checkout.invoices import CheckoutRequest
from app.shop.checkout.rules import RequestedPayment
from app.shop.locks import service as locks
from app.shop.locks.service import LockRequest
from app.shop.orders.rules import OrderPaymentMethod
from app.shop.returns import arrivals, inspections, requesting
from app.shop.returns.requesting import ReturnRequest
from app.shop.returns.rules import ReturnReason, ReturnWish
from app.tax.assessment import Delivery

PART = Part()
_CUSTOMER, _RETURN = "helena", "return of silver"


@PART.ago(days=9)
def deliver_silver(business: Business) -> None:
    """Order three coins of silver, which are packed, shipped and delivered."""
    actor, clerk = business.actor(_CUSTOMER), business.actor("inventory")
    home = postal_addresses.normalize(PostalAddress(**BY_NAME[_CUSTOMER].address()))
    with business.transaction() as session:
        lock = locks.lock_prices(session, actor, LockRequest([("AG-EAGLE-1OZ", 3)]))
    payment = RequestedPayment("payment", OrderPaymentMethod.BALANCE, USD)
    with business.transaction() as session:
        request = CheckoutRequest(lock.id, Delivery.SHIP, [payment], home)
        order = checkout.check_out(session, actor, request)
    business.things[_RETURN] = order.id
    business.stage("shop.poll_shipments")
    with business.transaction() as session:
        for shipment in shipments_queries.list_shipments_of(session, order.id):
            shipments.start_picking(session, clerk, shipment.id)
            for line in shipments_queries.list_lines(session, shipment.id):
                shipments.scan(session, clerk, shipment.id, f"{line.sku}*{line.units}")
            shipments.pack(session, clerk, shipment.id)
            shipments.ship(session, clerk, shipment.id, evidence="given to the driver")
            shipments.deliver(session, clerk, shipment.id, evidence="signed by the customer")
    business.settle()


@PART.ago(days=5)
def request_return(business: Business) -> None:
    """Ask for other coins in place of one that arrived scratched."""
    wanted = ReturnRequest({0: 1}, ReturnReason.DAMAGED, wish=ReturnWish.EXCHANGE)
    with business.transaction() as session:
        returned = requesting.request(
            session, business.actor(_CUSTOMER), business.things[_RETURN], wanted
        )
    business.things[_RETURN] = returned.id


@PART.ago(days=4, hours=20)
def approve_return(business: Business) -> None:
    """Let it come back to the vault; the customer gets a label."""
    with business.transaction() as session:
        requesting.approve(
            session,
            business.actor("support"),
            business.things[_RETURN],
            location="MAIN-SHOP",
            reason="The photo that the customer sent shows the scratch.",
        )
    business.settle()


@PART.ago(hours=7)
def receive_return(business: Business) -> None:
    """Scan the coin, and photograph it."""
    clerk, return_id = business.actor("inventory"), business.things[_RETURN]
    picture = draw_document("Silver Eagle, 1 oz", "A scratch on the reverse")
    with business.transaction() as session:
        arrivals.receive(session, clerk, return_id, scans="AG-EAGLE-1OZ")
        inspections.add_photo(session, clerk, return_id, raw=picture, name="coin.jpg")
    business.settle()
