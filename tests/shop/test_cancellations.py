"""Cancelling paid orders: everything goes back but the fee and what the metal lost."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from app.access import Actor
from app.access.roles import Role
from app.catalog.products.rules import ProductForm
from app.catalog.rules import USD, XAG, XAU, Metal
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import NotFound, PermissionDenied
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountClass
from app.pricing.errors import PriceStale
from app.reconciliation.invariants import find_violations
from app.shop.cancellations import service as cancellations
from app.shop.checkout.rules import RequestedPayment
from app.shop.locks.rules import CancelTerms
from app.shop.orders import queries as orders_queries
from app.shop.orders import shipping
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderPaymentMethod
from app.shop.refunds import queries as refunds_queries
from app.shop.refunds.queries import RefundOfOrder
from app.shop.refunds.rules import MarketLoss, RefundTerms, share_among_payments
from app.tax.assessment import Delivery
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.people import People, set_prices
from tests.shop.paid_later import LaterBuyer, part
from tests.shop.sales_range import tier
from tests.shop.stall import BOSTON, NEW_HAMPSHIRE, Stall, proven
from tests.unchanged_database import database_unchanged
from tests.vault.goods import postings_of

FEE = Amount.parse(USD, "35")


@pytest.fixture
def stall(people: People) -> Stall:
    return Stall.open(people)


def cancel(stall: Stall, actor: Actor, order: GoodsOrder) -> RefundOfOrder:
    """Cancel an order that must be paid, and return its refund."""
    with stall.database.transaction() as session:
        cancellations.cancel(session, actor, order.id)
    return refund_of(stall.database, order)


def refund_of(database: Database, order: GoodsOrder) -> RefundOfOrder:
    with database.reading() as session:
        [refund] = refunds_queries.list_refunds(session, [order.id])
    return refund


def order_now(database: Database, order: GoodsOrder) -> GoodsOrder:
    with database.reading() as session:
        return orders_queries.get_order(session, order.id)


def balance_sheet(database: Database) -> dict[tuple[str, str, str], int]:
    """Return the minor units of every account that is not zero."""
    with database.reading() as session:
        assert find_violations(session) == []
        return {
            (each.account_class, str(each.owner_id), each.asset): each.units
            for each in ledger_queries.account_balances(session)
            if each.units
        }


def changes(
    before: dict[tuple[str, str, str], int], after: dict[tuple[str, str, str], int]
) -> dict[tuple[str, str], int]:
    """Return by how much each account of ours differs; customers' balances are compared apart."""
    return {
        (account_class, asset): after.get(key, 0) - before.get(key, 0)
        for key in before | after
        for account_class, _, asset in [key]
        if after.get(key, 0) != before.get(key, 0) and account_class != "customer.funding"
    }


class TestMarketLoss:
    """The example of the trade: 20 ounces of silver that were promised at 30 dollars."""

    def terms(self, now: str) -> RefundTerms:
        ounces = Amount(XAG, 20 * XAG.unit)
        loss = MarketLoss(0, ounces, Decimal(30), Decimal(now))
        return RefundTerms([], losses=[loss], fee=FEE)

    def test_fall_from_30_to_25_costs_100_and_the_fee(self) -> None:
        terms = self.terms("25")
        assert (str(terms.loss), str(terms.owed)) == ("100.00", "135.00")

    def test_rise_from_30_to_35_costs_the_fee_and_gains_nothing(self) -> None:
        terms = self.terms("35")
        assert (str(terms.loss), str(terms.owed)) == ("0.00", "35.00")

    def test_offset_price_lies_between_bid_and_ask(self) -> None:
        bid, ask = Decimal(29), Decimal(30)
        prices = [CancelTerms(FEE, percent).offset_price(bid, ask) for percent in (0, 50, 100)]
        assert prices == [bid, Decimal("29.5"), ask]


def test_each_payment_gets_back_its_share_and_never_more_than_it_paid() -> None:
    left = [Amount(USD, units) for units in (1, 1, 998)]
    shares = share_among_payments(Amount(USD, 999), left)
    assert sum(share.units for share in shares) == 999
    assert all(share.units <= each.units for share, each in zip(shares, left, strict=True))


def test_cancelled_after_a_fall_the_metal_comes_back_at_its_price_now(
    stall: Stall, people: People
) -> None:
    """Bought with gold at 4,008.00; the bid is 3,892.20 now. 115.80 and 35.00 of 4,208.40 stay.

    All accounts are as before the sale, but for the loss in the position and the fee.
    """
    coins, buyer = stall.coins(), stall.buyer(USD="5000")
    before = balance_sheet(stall.database)
    order = stall.buy(buyer, stall.lock(buyer, coins))
    set_prices(stall.database, AU="3900")
    with stall.database.reading() as session:
        quoted = cancellations.quote(session, order.id, user_id=buyer.user_id)
    refund = cancel(stall, buyer, order)
    assert (refund.total, refund.loss, refund.fee) == (quoted.received, quoted.loss, quoted.fee)
    assert [str(each) for each in (refund.loss, refund.fee, refund.total)] == [
        "115.80", "35.00", "4057.60",
    ]  # fmt: skip
    assert people.balances(buyer) == {"USD": "4849.20"}
    assert stall.units(coins) == {"available": 10, "allocated": 0}
    assert changes(before, balance_sheet(stall.database)) == {
        ("position", "USD"): -11580,
        ("fees", "USD"): -3500,
    }
    cancelled = order_now(stall.database, order)
    assert (cancelled.status, cancelled.cancel_reason) == ("cancelled", "customer")
    assert cancelled.refunded == refund.total
    assert cancelled.events[-1].evidence == refund.public_id
    # Again changes nothing.
    assert cancel(stall, buyer, order) == refund


def test_cancelled_after_a_rise_the_gain_stays_with_us(stall: Stall, people: People) -> None:
    coins, buyer = stall.coins(), stall.buyer(USD="5000")
    before = balance_sheet(stall.database)
    order = stall.buy(buyer, stall.lock(buyer, coins, quantity=1))
    set_prices(stall.database, AU="4500")
    refund = cancel(stall, buyer, order)
    assert (str(refund.loss), str(refund.total)) == ("0.00", "4173.40")
    assert people.balances(buyer) == {"USD": "4965.00"}
    assert changes(before, balance_sheet(stall.database)) == {("fees", "USD"): -3500}


def test_terms_are_those_that_were_stated_with_the_prices(stall: Stall) -> None:
    """At the ask, nothing was lost; the fee has risen since."""
    coins, buyer = stall.coins(), stall.buyer(USD="5000")
    with fixed_settings(CancelTerms(Amount.parse(USD, "10"), 100)):
        lock = stall.lock(buyer, coins)
    assert "10.00 USD" in lock.cancel_terms.in_words
    order = stall.buy(buyer, lock)
    refund = cancel(stall, buyer, order)
    assert (str(refund.loss), str(refund.fee)) == ("0.00", "10.00")


def test_shipped_order_gives_tax_shipping_and_insurance_back(stall: Stall, people: People) -> None:
    """52.71 with 3.29 of tax, 9.95 of shipping and 0.13 of insurance; the loss from ask to bid is
    0.40 at an unchanged price."""
    coins, buyer = stall.coins(metal="AG", fine="0.999"), proven(stall.buyer(USD="100"))
    order = stall.buy(
        buyer, stall.lock(buyer, coins), delivery=Delivery.SHIP, shipping_address=BOSTON
    )
    refund = cancel(stall, buyer, order)
    assert [str(each) for each in (refund.goods, refund.tax, refund.shipping, refund.loss)] == [
        "52.71", "3.29", "10.08", "0.40",
    ]  # fmt: skip
    assert people.balances(buyer) == {"USD": "64.60"}
    assert stall.earned() == {}


def test_picking_ends_the_time_to_cancel(stall: Stall, people: People) -> None:
    coins, buyer = stall.coins(), proven(stall.buyer(USD="9000"))
    picked, left = (
        stall.buy(
            buyer, stall.lock(buyer, coins), delivery=Delivery.SHIP, shipping_address=NEW_HAMPSHIRE
        )
        for _ in range(2)
    )
    keeper = people.staff(Role.INVENTORY)
    with stall.database.transaction() as session:
        for order in (picked, left):
            shipping.request_shipments(session, order.id)
        [shipment] = shipments_queries.list_shipments_of(session, picked.id)
        shipments.start_picking(session, keeper, shipment.id)
    with database_unchanged(stall.database), pytest.raises(CancelWindowClosed):
        cancel(stall, buyer, picked)
    cancel(stall, buyer, left)
    with stall.database.reading() as session:
        [shipment] = shipments_queries.list_shipments_of(session, left.id)
    assert shipment.status == "cancelled"
    assert stall.units(coins) == {"available": 9, "allocated": 1}
    # The job of the cancelled shipment changes nothing.
    run_pending_jobs(stall.database, "shop.shipment_changed")
    assert order_now(stall.database, left).status == "cancelled"


def test_metal_that_paid_was_sold_so_its_dollars_go_back(stall: Stall, people: People) -> None:
    coins, buyer = stall.coins(), stall.buyer(USD="500", XAU_s="1.5")
    payments = (
        RequestedPayment("payments.0", OrderPaymentMethod.METAL, XAU, Amount.parse(XAU, "1")),
        RequestedPayment("payments.1", OrderPaymentMethod.BALANCE, USD),
    )
    order = stall.buy(buyer, stall.lock(buyer, coins), payments=payments)
    refund = cancel(stall, buyer, order)
    # 16.00 from ask to bid, and 35.00: 4,157.40 of 4,208.40.
    assert people.balances(buyer) == {"USD": "4441.00", "XAU-s": "0.50000000"}
    assert [(str(each.method), str(each.amount)) for each in refund.payments] == [
        ("metal", "3943.62"), ("balance", "213.78"),
    ]  # fmt: skip


def test_loss_beyond_what_was_paid_is_owed(stall: Stall, people: People) -> None:
    coins, buyer = stall.coins(metal="AG", fine="0.999"), stall.buyer(USD="52.71")
    order = stall.buy(buyer, stall.lock(buyer, coins))
    set_prices(stall.database, AG="10")
    refund = cancel(stall, buyer, order)
    assert str(refund.total) == "-22.53"
    assert (people.balances(buyer), refund.payments) == ({}, [])
    with stall.database.reading() as session:
        assert ledger_queries.owed_units(session, buyer.user_id) == {"USD": 2253}


def test_bar_of_a_cancelled_order_is_for_sale_again_without_an_owner(stall: Stall) -> None:
    sku = stall.range.add(
        tier(per_ounce="1"), metal=Metal.AG, form=ProductForm.BAR, gross="100", is_serialized=True
    )
    bars, code = stall.range.shelf(stall.people, sku, stall.branch_id), ids.new().hex[-8:].upper()
    bars.receive_bars(
        f"A{code}, Rand Refinery, 100.5, 999\nB{code}, Rand Refinery, 99.5, 999",
        cost="10100.00", spot="50",
    )  # fmt: skip
    buyer = stall.buyer(USD="50000")
    before = balance_sheet(stall.database)
    for _ in range(2):
        order = stall.buy(buyer, stall.lock(buyer, bars, quantity=2))
        cancel(stall, buyer, order)
    changed = changes(before, balance_sheet(stall.database))
    assert set(changed) == {("position", "USD"), ("fees", "USD")}
    assert bars.in_state(AccountClass.STOCK_AVAILABLE) == 2


def test_what_a_card_paid_goes_back_to_the_card(database: Database, people: People) -> None:
    """1,000.00 from the balance and 3,208.40 by card: 4,157.40 go back, 3,169.52 to the card."""
    later = LaterBuyer.create(database, people)
    later.add("USD", "500")
    dollars = Amount.parse(USD, "1000")
    order = later.finish(
        later.order(part(OrderPaymentMethod.BALANCE, dollars), part(OrderPaymentMethod.CARD))
    )
    refund = cancel(later.stall, later.buyer, order)
    assert [(str(each.destination), str(each.amount)) for each in refund.payments] == [
        ("balance", "987.88"), ("card", "3169.52"),
    ]  # fmt: skip
    assert later.payer.held_cents() == 316952
    [card] = refund.cards
    later.payer.refund_card(card.id)
    assert [str(each.amount) for each in later.payer.cards.refunds_by_ref.values()] == ["3169.52"]
    assert (later.balances, later.payer.held_cents()) == ({"USD": "987.88"}, 0)
    balance_sheet(database)


def test_order_for_the_vault_cannot_be_cancelled_for_ever(stall: Stall) -> None:
    coins, buyer = stall.coins(), stall.buyer(USD="5000")
    order = stall.buy(buyer, stall.lock(buyer, coins))
    later = clock.now() + timedelta(hours=CancelTerms().vault_hours)
    with (
        time_machine.travel(later, tick=False),
        database_unchanged(stall.database),
        pytest.raises(CancelWindowClosed),
    ):
        cancel(stall, buyer, order)


def test_order_is_not_cancelled_at_an_old_price_nor_by_others(stall: Stall) -> None:
    coins, buyer = stall.coins(), stall.buyer(USD="5000")
    order, stranger = stall.buy(buyer, stall.lock(buyer, coins)), stall.buyer()
    with database_unchanged(stall.database):
        with pytest.raises(NotFound):
            cancel(stall, stranger, order)
        with (
            stall.database.transaction() as session,
            pytest.raises(PermissionDenied),
        ):
            cancellations.cancel_for_customer(session, buyer, order.id, reason="asked by phone")
        with (
            time_machine.travel(clock.now() + timedelta(hours=1), tick=False),
            pytest.raises(PriceStale),
        ):
            cancel(stall, buyer, order)


def test_staff_cancel_on_the_terms_of_the_customer(stall: Stall, people: People) -> None:
    coins, buyer = stall.coins(), stall.buyer(USD="5000")
    order = stall.buy(buyer, stall.lock(buyer, coins))
    staff = people.staff(Role.SUPPORT)
    with stall.database.transaction() as session:
        cancellations.cancel_for_customer(session, staff, order.id, reason="asked by phone")
    refund = refund_of(stall.database, order)
    assert (str(refund.total), refund.reason) == ("4157.40", "asked by phone")
    assert order_now(stall.database, order).cancel_reason == "staff"
    assert postings_of(stall.database, refund.public_id)["customer.funding", "USD"] == "-4157.40"
