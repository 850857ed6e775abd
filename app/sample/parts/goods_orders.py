"""A customer buys goods in the shop: some stay in the vault, and some wait for a review."""

from app.catalog.rules import USD
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
from app.shop.orders.rules import OrderPaymentMethod
from app.tax.assessment import Delivery

PART = Part()
_SUMMER_HOUSE = postal_addresses.normalize(
    PostalAddress("US", "12 Birch Road", city="Concord", state="NH", zip_code="03301")
)


@PART.ago(days=12)
def buy_goods(business: Business) -> None:
    """Lock the price of silver and copper, and pay for it with US dollars."""
    actor = business.actor("helena")
    with business.transaction() as session:
        wanted = LockRequest([("AG-EAGLE-1OZ", 10), ("CU-BAR-1KG", 2)])
        lock = locks.lock_prices(session, actor, wanted)
    payment = RequestedPayment("payment", OrderPaymentMethod.BALANCE, USD)
    with business.transaction() as session:
        checkout.check_out(session, actor, CheckoutRequest(lock.id, Delivery.VAULT, [payment]))
    business.settle()
    business.stage("documents.number_waiting", "shop.count_sales")


@PART.ago(hours=20)
def order_to_another_place(business: Business) -> None:
    """Order gold to another place than that of the invoice: it is on hold until staff decide."""
    actor, home = business.actor("helena"), BY_NAME["helena"].address()
    billing = postal_addresses.normalize(PostalAddress(**home))
    with business.transaction() as session:
        lock = locks.lock_prices(session, actor, LockRequest([("AU-EAGLE-1OZ", 2)]))
    payment = RequestedPayment("payment", OrderPaymentMethod.BALANCE, USD)
    request = CheckoutRequest(lock.id, Delivery.SHIP, [payment], _SUMMER_HOUSE, billing)
    with business.transaction() as session:
        checkout.check_out(session, actor, request)
    business.settle()
