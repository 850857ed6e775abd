"""Goods of a supplier without an API: needed, ordered, received, invoiced and paid."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.access import Role
from app.approvals.errors import SelfApproval
from app.fulfillment.restock.errors import (
    BelowMinimum,
    MoreThanOrdered,
    NeedEnded,
    NothingToInvoice,
    PurchaseMovedOn,
    PurchaseNotApproved,
    ShelfFull,
    WrongInvoiceStatus,
)
from app.fulfillment.restock.invoices import service as invoices
from app.fulfillment.restock.purchase_orders import approval
from app.fulfillment.restock.purchase_orders import service as purchases
from app.fulfillment.restock.purchase_orders.rules import RestockRules, share_of_cost
from app.kit import clock
from app.kit.db import Database
from app.kit.money import Amount
from app.reconciliation import invariants
from app.vault.deliveries.errors import DeliveryReceived
from tests.fixed_settings import fixed_settings
from tests.fulfillment.restock.yard import Yard
from tests.people import People, set_prices
from tests.second_person import approve
from tests.vault.goods import postings_of

OUNCE = 10**8
LARGE = Amount.parse(RestockRules().unapproved_max.asset, "1000000")


@pytest.fixture
def yard(database: Database, people: People) -> Yard:
    set_prices(database, AU="4000")
    return Yard.open(people)


def test_a_need_covers_what_was_sold_and_never_fills_the_shelf_beyond_its_limit(
    yard: Yard, people: People
) -> None:
    """Four sold in 14 days are nine in 30; two are left of six. With 40 sold, 18 fit."""
    yard.goods.receive(units="4", cost="15960.00")
    assert yard.needs() == []
    customer = people.customer()
    yard.goods.sell(customer.user_id, units=4, price="16000", spot="4000")
    [need] = yard.needs()
    assert (need.units, need.available, need.on_order, need.sold) == (7, 2, 0, 4)
    yard.goods.receive(units="36", cost="143640.00")
    assert yard.needs() == []
    yard.goods.sell(customer.user_id, units=36, price="144000", spot="4000")
    [need] = yard.needs()
    assert (need.units, need.available, need.sold, need.fill_to) == (18, 2, 40, 20)


def test_what_is_on_order_is_not_needed_again_and_ordered_once(yard: Yard) -> None:
    [need] = yard.needs()
    with fixed_settings(RestockRules(unapproved_max=LARGE)):
        order = yard.order()
        assert (order.status, order.units, need.units) == ("planned", 3, 3)
        assert yard.needs() == []
        with pytest.raises(NeedEnded):
            yard.order()
        with pytest.raises(ShelfFull):
            yard.order(16)
        with yard.database.transaction() as session:
            purchases.cancel(session, yard.clerk, order.id, reason="Ordered by telephone")
        assert [again.units for again in yard.needs()] == [3]
        assert yard.order(18).units == 18
        assert yard.needs() == []


def test_goods_are_owed_from_the_confirmation_until_each_delivery_and_paid_exactly(
    yard: Yard,
) -> None:
    """Three for 12,100.01: 4,033.34 for the first, 8,066.67 for the other two."""
    before = yard.owed().get("XAU-s", 0)
    order = yard.order(3)
    assert yard.owed().get("XAU-s", 0) == before
    order = yard.confirm(order, "12100.01")
    assert (order.status, str(order.cost)) == ("ordered", "12100.01")
    assert yard.owed()["XAU-s"] - before == 3 * OUNCE
    order = yard.receive(order, "DN-1", 1)
    assert (order.status, yard.owed()["XAU-s"] - before) == ("part_received", 2 * OUNCE)
    with pytest.raises(DeliveryReceived):
        yard.receive(order, "DN-1", 1)
    with pytest.raises(MoreThanOrdered):
        yard.receive(order, "DN-2", 3)
    order = yard.receive(order, "DN-2", 3, keep_surplus="yes")
    assert (order.status, order.received_units) == ("received", 4)
    assert yard.owed().get("XAU-s", 0) == before
    assert [cost for cost, *_ in _receipts(yard, order.id)] == [403334, 1210001]
    assert share_of_cost(1210001, 3, 0, 1) + share_of_cost(1210001, 3, 1, 2) == 1210001
    invoice_id = yard.bill(order, "16133.36", number="INV-1")
    invoice = yard.invoice(invoice_id)
    assert (invoice.status, str(invoice.variance)) == ("accepted", "0.01")
    assert invoice.due_on == clock.now().date() + timedelta(days=30)
    assert postings_of(yard.database, f"{invoice.public_id}:accepted") == {
        ("purchase_variance", "USD"): "0.01",
        ("payables", "USD"): "-0.01",
    }
    with pytest.raises(NothingToInvoice):
        yard.bill(order, "1.00", number="INV-2")
    payer = People(yard.database).staff(Role.COMPLIANCE)
    with yard.database.transaction() as session:
        approval_id = invoices.request_payment(
            session, payer, invoice_id, bank_reference="WIRE-9", reason="It is due"
        )
    with pytest.raises(SelfApproval):
        approve(yard.database, payer, approval_id)
    approve(yard.database, yard.checker, approval_id)
    assert postings_of(yard.database, f"{invoice.public_id}:paid") == {
        ("payables", "USD"): "16133.36",
        ("bank", "USD"): "-16133.36",
    }
    with yard.database.transaction() as session:
        assert invariants.find_violations(session) == []


def _receipts(yard: Yard, order_id: UUID) -> list[tuple[int, int]]:
    with yard.database.reading() as session:
        return session.rows(
            "SELECT cost_usd, units FROM purchase_receipts WHERE order_id = %s ORDER BY id",
            (order_id,),
        )


def test_an_invoice_that_differs_is_rejected_or_accepted_by_two_people(yard: Yard) -> None:
    order = yard.receive(yard.confirm(yard.order(3), "12100.00"), "DN-1", 3)
    invoice_id = yard.bill(order, "12200.00", number="INV-1")
    assert yard.invoice(invoice_id).status == "differs"
    payer = People(yard.database).staff(Role.COMPLIANCE)
    with yard.database.transaction() as session, pytest.raises(WrongInvoiceStatus):
        invoices.request_payment(
            session, payer, invoice_id, bank_reference="WIRE-9", reason="It is due"
        )
    with yard.database.transaction() as session:
        invoices.reject_invoice(session, yard.clerk, invoice_id, reason="Wrong price")
    invoice_id = yard.bill(order, "12000.00", number="INV-1")
    with yard.database.transaction() as session:
        approval_id = invoices.request_acceptance(
            session, payer, invoice_id, reason="They gave a discount"
        )
    approve(yard.database, yard.checker, approval_id)
    invoice = yard.invoice(invoice_id)
    assert invoice.status == "accepted"
    assert postings_of(yard.database, f"{invoice.public_id}:accepted") == {
        ("purchase_variance", "USD"): "-100.00",
        ("payables", "USD"): "100.00",
    }


def test_a_large_order_is_held_until_two_people_agree_and_may_not_cost_more(yard: Yard) -> None:
    """Fifteen ounces at the ask of 4,008 are 60,120, and 66,132 with the margin."""
    order = yard.order(15)
    assert (order.status, str(order.estimate)) == ("held", "66132.00")
    with pytest.raises(PurchaseMovedOn):
        yard.confirm(order, "61000.00")
    with yard.database.transaction() as session:
        approval_id = approval.request_approval(
            session, yard.clerk, order.id, up_to="61000.00", reason="For the season"
        )
    approve(yard.database, yard.checker, approval_id)
    with pytest.raises(PurchaseNotApproved):
        yard.confirm(order, "61000.01")
    assert yard.confirm(order, "61000.00").status == "ordered"


def test_an_order_below_the_minimum_is_refused_and_the_rest_can_be_closed(
    database: Database, people: People
) -> None:
    set_prices(database, AU="4000")
    yard = Yard.open(people, minimum="20000.00")
    with pytest.raises(BelowMinimum):
        yard.order(3)
    order = yard.receive(yard.confirm(yard.order(5), "20500.00"), "DN-1", 4)
    with yard.database.transaction() as session:
        purchases.close_short(session, yard.clerk, order.id, reason="Out of print")
    assert yard.now(order.id).status == "closed"
    with pytest.raises(PurchaseMovedOn):
        yard.receive(order, "DN-2", 1)
