"""A customer buys goods in the shop, and leaves them in the vault."""

from app.catalog.rules import USD
from app.sample.business import Business
from app.sample.timeline import Part
from app.shop.checkout import service as checkout
from app.shop.checkout.invoices import CheckoutRequest
from app.shop.checkout.rules import RequestedPayment
from app.shop.locks import service as locks
from app.shop.locks.service import LockRequest
from app.shop.orders.rules import OrderPaymentMethod
from app.tax.assessment import Delivery

PART = Part()


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
