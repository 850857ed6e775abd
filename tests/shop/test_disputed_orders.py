"""Orders whose card payment is disputed: their goods stay until that is decided for us, or paid."""

import pytest

from app.access import Role
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.funding.receivables import service as receivables
from app.kit.db import Database
from app.shop.cancellations import service as cancellations
from app.shop.checkout.rules import OrderPaymentRules
from app.shop.orders import shipping
from app.shop.orders.queries import GoodsOrder
from app.tax.assessment import Delivery
from tests.card_deposits import CardDeposit
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.paying_customer import usd
from tests.people import People
from tests.shop.paid_later import BY_CARD, LaterBuyer
from tests.shop.stall import NEW_HAMPSHIRE, proven
from tests.shop.test_cancellations import balance_sheet

JOBS = ("shop.payment_disputed", "shop.request_shipments")


@pytest.fixture
def later(database: Database, people: People) -> LaterBuyer:
    return LaterBuyer.create(database, people)


def order_by_card(later: LaterBuyer) -> GoodsOrder:
    """Return an order of 4,228.87 that a card paid and that is to be shipped."""
    with fixed_settings(OrderPaymentRules(card_leaving_max=usd("5000"))):
        lock = later.stall.lock(later.buyer, later.coins)
        order = later.stall.buy(
            proven(later.buyer),
            lock,
            delivery=Delivery.SHIP,
            shipping_address=NEW_HAMPSHIRE,
            payments=(BY_CARD,),
        )
    later.finish(order)
    poll(later)
    return later.now(order)


def dispute(later: LaterBuyer, order: GoodsOrder, state: str) -> None:
    deposit = order.payment.deposit
    assert deposit is not None
    assert deposit.provider_ref is not None
    CardDeposit(later.payer, deposit.id, deposit.provider_ref).dispute(state, amount="4228.87")
    run_pending_jobs(later.database, *JOBS)


def poll(later: LaterBuyer) -> None:
    with later.database.transaction() as session:
        shipping.stage_unrequested(session)
    run_pending_jobs(later.database, *JOBS)


def shipment_statuses(later: LaterBuyer, order: GoodsOrder) -> list[str]:
    with later.database.reading() as session:
        return [each.status for each in shipments_queries.list_shipments_of(session, order.id)]


def test_order_is_stopped_while_its_payment_is_disputed_and_goes_on_once_it_is_won(
    later: LaterBuyer,
) -> None:
    order = order_by_card(later)
    assert shipment_statuses(later, order) == ["requested"]
    dispute(later, order, "open")
    poll(later)
    assert shipment_statuses(later, order) == ["cancelled"]
    assert later.now(order).payment.status == "disputed"
    assert later.message_kinds()[-1] == "goods_order_stopped"
    dispute(later, order, "won")
    assert shipment_statuses(later, order) == ["cancelled", "requested"]
    assert later.now(order).payment.status == "paid"


def test_order_whose_dispute_is_lost_goes_on_once_the_debt_is_paid(later: LaterBuyer) -> None:
    order = order_by_card(later)
    dispute(later, order, "lost")
    poll(later)
    assert shipment_statuses(later, order) == ["cancelled"]
    later.add("USD", "3728.87")
    poll(later)
    assert shipment_statuses(later, order) == ["cancelled", "requested"]
    assert later.balances == {}


def test_cancelling_an_order_whose_dispute_is_lost_pays_the_debt(later: LaterBuyer) -> None:
    """Of 4,228.87 the fee of 35.00 and the spread of 16.00 stay, and 500.00 were in the balance."""
    order = order_by_card(later)
    dispute(later, order, "lost")
    with later.database.transaction() as session:
        cancellations.cancel(session, later.buyer, order.id)
    with later.database.reading() as session:
        owed = receivables.amount_owed(session, later.buyer.user_id)
    assert (str(owed), later.balances) == ("0.00", {"USD": "449.00"})
    assert later.stall.units(later.coins) == {"available": 10, "allocated": 0}
    balance_sheet(later.database)


def test_goods_that_are_being_picked_are_left_to_staff(later: LaterBuyer, people: People) -> None:
    order, keeper = order_by_card(later), people.staff(Role.INVENTORY)
    with later.database.transaction() as session:
        [shipment] = shipments_queries.list_shipments_of(session, order.id)
        shipments.start_picking(session, keeper, shipment.id)
    dispute(later, order, "open")
    assert shipment_statuses(later, order) == ["picking"]
    assert "goods_order_stopped" not in later.message_kinds()
