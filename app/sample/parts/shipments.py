"""The goods of paid orders leave: one parcel is delivered, one order waits to be picked, and one to
be collected."""

from app.catalog.rules import USD
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.kit import postal_addresses
from app.kit.postal_addresses import PostalAddress
from app.sample.business import Business
from app.sample.customers import BY_NAME
from app.sample.timeline import Part
from app.shop.checkout import service as checkout
from app.shop.checkout.invoices import CheckoutRequest
from app.shop.checkout.rules import RequestedPayment
from app.shop.locks import service as locks
from app.shop.locks.service import LockRequest
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderPaymentMethod
from app.tax.assessment import Delivery

PART = Part()
_CUSTOMER = "helena"


@PART.ago(days=6)
def send_home(business: Business) -> None:
    """Order silver that is shipped; it is packed, and a label is bought."""
    order = _order(business, Delivery.SHIP)
    _pack(business, order)


@PART.ago(days=4)
def hear_of_the_parcel(business: Business) -> None:
    """Ask the carrier where the parcel is."""
    business.stage("fulfillment.poll_tracking")


@PART.ago(hours=6)
def order_to_be_picked(business: Business) -> None:
    """Order silver that is shipped: it waits at the packing station."""
    _order(business, Delivery.SHIP)


@PART.ago(hours=5)
def order_to_be_collected(business: Business) -> None:
    """Order silver that is packed and waits at the branch, against a code."""
    order = _order(business, Delivery.PICKUP)
    _pack(business, order)


def _order(business: Business, delivery: Delivery) -> GoodsOrder:
    """Order two coins of silver, and request their shipment."""
    actor, is_shipped = business.actor(_CUSTOMER), delivery is Delivery.SHIP
    branch_id = None if is_shipped else business.things["MAIN"]
    home = postal_addresses.normalize(PostalAddress(**BY_NAME[_CUSTOMER].address()))
    with business.transaction() as session:
        wanted = LockRequest([("AG-EAGLE-1OZ", 2)], pickup_branch_id=branch_id)
        lock = locks.lock_prices(session, actor, wanted)
    payment = RequestedPayment("payment", OrderPaymentMethod.BALANCE, USD)
    request = CheckoutRequest(
        lock.id,
        delivery,
        [payment],
        home if is_shipped else None,
        pickup_branch_id=branch_id,
    )
    with business.transaction() as session:
        order = checkout.check_out(session, actor, request)
    business.stage("shop.poll_shipments")
    return order


def _pack(business: Business, order: GoodsOrder) -> None:
    """Pick, scan and pack the goods of an order."""
    clerk = business.actor("inventory")
    with business.transaction() as session:
        for shipment in shipments_queries.list_shipments_of(session, order.id):
            if shipment.is_entrusted:
                continue
            shipments.start_picking(session, clerk, shipment.id)
            for line in shipments_queries.list_lines(session, shipment.id):
                code = line.serial or f"{line.sku}*{line.units}"
                shipments.scan(session, clerk, shipment.id, code)
            shipments.pack(session, clerk, shipment.id)
    business.settle()
