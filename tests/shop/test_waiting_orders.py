"""Orders that a card or a bank transfer pays: what they keep, and how they end."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from app.audit.actions import AuditAction
from app.catalog.rules import XAU, Metal, PaymentMethod
from app.fulfillment.errors import CancelWindowClosed
from app.funding.card_money import CardMoneyRules
from app.funding.deposits import service as deposits
from app.funding.errors import CardMoneyUnsettled
from app.funding.fees import PaymentFees
from app.funding.limits import PaymentLimits
from app.funding.ports import PaymentRails, PaymentState
from app.funding.receivables import service as receivables
from app.hedging import queries as hedging_queries
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound
from app.kit.money import Amount
from app.kit.ports import provide
from app.ledger import service as ledger
from app.ledger.errors import InsufficientFunds
from app.limits.errors import LimitExceeded
from app.privacy.personal_data_tables import ROOMS
from app.reconciliation.invariants import find_violations
from app.shop.checkout import service as checkout
from app.shop.checkout import waiting_orders
from app.shop.checkout.invoices import CheckoutRequest
from app.shop.checkout.rules import OrderPaymentRules, RequestedPayment
from app.shop.orders import waiting
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderPaymentMethod
from app.tax.assessment import Delivery
from app.trading.errors import QuoteExpired
from tests.card_deposits import CardDeposit
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.paying_customer import usd
from tests.people import People, set_prices
from tests.scripted_rails import CallFault
from tests.shop.paid_later import BY_CARD, BY_TRANSFER, LaterBuyer, part
from tests.shop.stall import NEW_HAMPSHIRE, proven
from tests.vault.goods import postings_of

BALANCE, METAL = OrderPaymentMethod.BALANCE, OrderPaymentMethod.METAL
CARD, TRANSFER = OrderPaymentMethod.CARD, OrderPaymentMethod.BANK_TRANSFER


@pytest.fixture
def later(database: Database, people: People) -> LaterBuyer:
    return LaterBuyer.create(database, people)


def outcome(order: GoodsOrder) -> tuple[str, str | None]:
    return order.status, order.cancel_reason


def assert_sound(later: LaterBuyer) -> None:
    with later.database.reading() as session:
        assert find_violations(session) == []


def test_card_pays_in_the_entry_of_an_order_by_balance(later: LaterBuyer) -> None:
    """4,208.40 and the fee of 2.9 percent and 0.30 are charged: 4,334.40, of which 126.00 is the
    fee. All of the rest goes into the order."""
    by_balance = later.stall.buyer(USD="4208.40")
    bought = later.stall.buy(by_balance, later.stall.lock(by_balance, later.coins))
    with fixed_settings(PaymentFees()):
        order = later.order()
        assert (outcome(order), order.payment.status) == (("pending_payment", None), "processing")
        assert (later.free_units, later.balances, later.message_kinds()) == (
            8,
            {"USD": "500.00"},
            [],
        )
        later.pay(order)
        assert later.balances == {"USD": "4708.40"}
        run_pending_jobs(later.database, "shop.deposit_ended")
    paid = later.now(order)
    assert (outcome(paid), paid.payment.status) == (("allocated", None), "paid")
    deposit = paid.payment.deposit
    assert deposit is not None
    assert (str(deposit.amount), str(deposit.fee)) == ("4334.40", "126.00")
    posted = postings_of(later.database, paid.public_id)
    assert posted == postings_of(later.database, bought.public_id)
    assert (later.balances, later.message_kinds()) == ({"USD": "500.00"}, ["goods_order_paid"])
    assert later.stall.units(later.coins) == {"available": 8, "allocated": 2}
    assert [str(each.status) for each in paid.events] == ["pending_payment", "allocated"]
    # Nothing happens twice.
    assert later.advance(order) == paid
    assert later.message_kinds() == ["goods_order_paid"]


def test_card_pays_with_metal_and_balance_which_are_kept_meanwhile(later: LaterBuyer) -> None:
    """Half an ounce at the bid of 3,992.00 pays 1,996.00, the balance 400.00, the card the rest."""
    later.add("XAU-s", "0.75")
    order = later.order(
        part(METAL, Amount.parse(XAU, "0.5"), asset=XAU), part(BALANCE, usd("400.00")), part(CARD)
    )
    with pytest.raises(InsufficientFunds):
        later.payer.withdraw("101.00")
    paid = later.finish(order)
    assert [(str(each.method), str(each.dollars)) for each in paid.payments] == [
        ("metal", "1996.00"), ("balance", "400.00"), ("card", "1812.40"),
    ]  # fmt: skip
    assert (outcome(paid), later.balances) == (
        ("allocated", None), {"USD": "100.00", "XAU-s": "0.25000000"},
    )  # fmt: skip
    assert later.payer.held_cents() == 0
    assert_sound(later)


def test_cancelled_order_gives_back_what_it_kept_and_its_card_is_never_charged(
    later: LaterBuyer,
) -> None:
    later.add("XAU-s", "0.75")
    later.payer.cards.created_state = PaymentState.PENDING
    order = later.order(
        part(METAL, Amount.parse(XAU, "0.5"), asset=XAU), part(BALANCE, usd("400.00")), part(CARD)
    )
    later.pay(order)
    assert later.now(order).payment.status == "requires_action"
    with pytest.raises(NotFound):
        later.cancel(order, later.stall.buyer())
    cancelled = later.cancel(order)
    assert outcome(cancelled) == ("cancelled", "customer")
    assert later.cancel(order) == cancelled
    [(ref, payment)] = later.payer.cards.payments_by_ref.items()
    # The customer confirms it at that moment.
    later.payer.cards.payments_by_ref[ref] = replace(payment, state=PaymentState.AUTHORISED)
    run_pending_jobs(later.database, "funding.release_payment", "shop.deposit_ended")
    assert later.payer.cards.payments_by_ref[ref].state is PaymentState.FAILED
    assert "capture" not in later.payer.cards.calls
    assert later.balances == {"USD": "500.00", "XAU-s": "0.75000000"}
    assert (later.payer.held_cents(), later.free_units) == (0, 10)
    assert later.message_kinds() == ["goods_order_cancelled"]
    assert_sound(later)


def test_paid_order_is_not_cancelled(later: LaterBuyer) -> None:
    order = later.order()
    later.finish(order)
    with pytest.raises(CancelWindowClosed):
        later.cancel(order)
    by_balance = later.stall.buyer(USD="5000")
    bought = later.stall.buy(by_balance, later.stall.lock(by_balance, later.coins))
    with later.database.transaction() as session, pytest.raises(CancelWindowClosed):
        waiting_orders.cancel(session, by_balance, bought.id)


def test_declined_card_cancels_the_order(later: LaterBuyer) -> None:
    order = later.order()
    later.payer.cards.faults = [CallFault.REFUSED]
    later.pay(order)
    run_pending_jobs(later.database, "shop.deposit_ended")
    ended = later.now(order)
    assert (outcome(ended), ended.payment.status) == (
        ("cancelled", "payment_failed"), "cancelled",
    )  # fmt: skip
    assert (later.free_units, later.balances) == (10, {"USD": "500.00"})
    assert later.message_kinds() == ["goods_order_cancelled"]


def test_customer_who_cancels_the_deposit_cancels_the_order(later: LaterBuyer) -> None:
    order = later.order(BY_TRANSFER)
    assert order.deposit_id is not None
    with later.database.transaction() as session:
        deposits.cancel(session, later.buyer, order.deposit_id)
    assert outcome(later.advance(order)) == ("cancelled", "payment_cancelled")


def test_payment_after_the_deadline_is_in_the_balance_and_buys_nothing(later: LaterBuyer) -> None:
    order = later.order(BY_TRANSFER)
    later.pay(order)
    assert later.now(order).payment.status == "awaiting_transfer"
    assert later.now(order).payment.transfer_to
    due_at = order.payment_due_at
    assert due_at is not None
    with time_machine.travel(due_at - timedelta(minutes=1)):
        assert outcome(later.advance(order)) == ("pending_payment", None)
    with time_machine.travel(due_at):
        with later.database.transaction() as session:
            waiting_orders.stage_due(session)
        run_pending_jobs(later.database, "shop.advance_order")
        assert outcome(later.now(order)) == ("cancelled", "payment_late")
        # It is received as money that was not announced.
        later.receive("late", "4208.40")
    run_pending_jobs(later.database, "shop.deposit_ended")
    assert (later.balances, later.free_units) == ({"USD": "4708.40"}, 10)
    assert later.message_kinds() == ["goods_order_waiting", "goods_order_cancelled"]
    assert outcome(later.now(order)) == ("cancelled", "payment_late")


def test_card_captured_after_the_deadline_is_in_the_balance(later: LaterBuyer) -> None:
    """Its job was late, and the order waited a moment longer."""
    order = later.order()
    assert order.payment_due_at is not None
    with time_machine.travel(order.payment_due_at + timedelta(seconds=1)):
        later.pay(order)
        assert outcome(later.advance(order)) == ("cancelled", "payment_late")
    assert (later.balances, later.free_units) == ({"USD": "4708.40"}, 10)


def test_card_whose_capture_was_answered_after_the_end_is_credited(later: LaterBuyer) -> None:
    order = later.order()
    later.payer.cards.faults = [None, CallFault.UNANSWERED_DONE]
    later.pay(order)
    assert outcome(later.cancel(order)) == ("cancelled", "customer")
    run_pending_jobs(later.database, "funding.release_payment", "shop.deposit_ended")
    assert (later.balances, later.free_units) == ({"USD": "4708.40"}, 10)
    assert later.message_kinds() == ["goods_order_cancelled"]
    assert_sound(later)


def test_balance_that_was_spent_between_credit_and_sale_cancels_the_order(
    later: LaterBuyer,
) -> None:
    order = later.order()
    later.pay(order)
    later.payer.withdraw("500.01")
    assert outcome(later.advance(order)) == ("cancelled", "money_short")
    assert later.free_units == 10
    assert_sound(later)


def test_customer_is_reminded_once_of_a_transfer_that_has_not_come(later: LaterBuyer) -> None:
    """Twenty hours before its time ends. A card payment, and an order that is cancelled, have no
    reminder."""
    order, cancelled, by_card = later.order(BY_TRANSFER), later.order(BY_TRANSFER), later.order()
    later.cancel(cancelled)
    assert order.payment_due_at is not None
    for before, reminders in ((timedelta(hours=21), 0), (timedelta(hours=19), 1)):
        with time_machine.travel(order.payment_due_at - before):
            for _ in range(2):
                with later.database.transaction() as session:
                    waiting_orders.remind(session)
            assert later.message_kinds().count("goods_order_reminder") == reminders
    assert later.now(by_card).payment_due_at is not None
    with pytest.raises(ValueError, match="after the order"):
        OrderPaymentRules(transfer_days=1, reminder_hours=24)


def test_transfer_that_is_too_small_waits_for_the_rest(later: LaterBuyer) -> None:
    """Another transfer is credited as it comes. Both together cover the order."""
    order = later.order(BY_TRANSFER)
    later.payer.withdraw("500.00")
    later.pay(order)
    later.receive("first", "10.00")
    assert outcome(later.advance(order)) == ("pending_payment", None)
    later.receive("second", "4198.40")
    run_pending_jobs(later.database, "shop.deposit_ended")
    # What is left is held for the withdrawal.
    assert outcome(later.now(order)) == ("allocated", None)
    assert later.balances == {"USD": "500.00"}


def test_transfer_that_stays_too_small_cancels_the_order(later: LaterBuyer) -> None:
    order = later.order(BY_TRANSFER)
    later.pay(order)
    later.receive("only", "10.00")
    assert order.payment_due_at is not None
    with time_machine.travel(order.payment_due_at):
        assert outcome(later.advance(order)) == ("cancelled", "money_short")
    assert later.balances == {"USD": "510.00"}


def test_transfer_of_its_amount_pays_the_order_before_older_announcements(
    later: LaterBuyer,
) -> None:
    older = later.payer.deposit("50.00", PaymentMethod.BANK)
    order = later.order(BY_TRANSFER)
    later.pay(order)
    later.receive("exact", "4208.40")
    assert outcome(later.advance(order)) == ("allocated", None)
    assert later.payer.deposit_status(older) == "pending"


def test_order_whose_goods_are_gone_leaves_the_money_in_the_balance(later: LaterBuyer) -> None:
    order = later.order()
    with later.database.transaction() as session:
        [units] = waiting.list_units(session, order.id)
        ledger.void_holds(session, [units.hold_id], at=clock.now())
    assert outcome(later.finish(order)) == ("cancelled", "goods_gone")
    assert (later.balances, later.free_units) == ({"USD": "4708.40"}, 10)
    assert_sound(later)


def test_lock_whose_units_were_released_meanwhile_places_no_order(later: LaterBuyer) -> None:
    lock = later.stall.lock(later.buyer, later.coins)
    with later.database.transaction() as session:
        ledger.void_holds(session, lock.hold_ids, at=clock.now())
    with pytest.raises(QuoteExpired):
        later.stall.buy(later.buyer, lock, payments=(BY_CARD,))
    assert later.payer.cards.calls == []


def test_card_payment_that_is_disputed_later_is_owed(later: LaterBuyer) -> None:
    paid = later.finish(later.order())
    deposit = paid.payment.deposit
    assert deposit is not None
    assert deposit.provider_ref is not None
    CardDeposit(later.payer, deposit.id, deposit.provider_ref).dispute("open", amount="4208.40")
    # The 500 dollars are gone, and the coin stays allocated.
    with later.database.reading() as session:
        assert str(receivables.amount_owed(session, later.buyer.user_id)) == "3708.40"
    assert later.stall.units(later.coins) == {"available": 9, "allocated": 1}


def test_promised_ounces_of_waiting_orders_count_as_quoted(later: LaterBuyer) -> None:
    def open_quotes() -> Amount:
        with later.database.reading() as session:
            exposure = hedging_queries.current_exposure(session)
        [gold] = [each for each in exposure.metals if each.metal is Metal.AU]
        return gold.open_quotes

    before = open_quotes()
    order = later.order()
    assert str(open_quotes() - before) == "1.00000000"
    later.finish(order)
    assert open_quotes() == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (OrderPaymentRules(waiting_max=1), "orders that wait for payment"),
        (OrderPaymentRules(unpaid_per_day=1), "orders that are not paid"),
    ],
    ids=["at-a-time", "in-a-day"],
)
def test_person_has_a_limited_number_of_unpaid_orders(
    later: LaterBuyer, settings: OrderPaymentRules, message: str
) -> None:
    with fixed_settings(settings):
        first = later.order()
        if settings.waiting_max > 1:
            later.cancel(first)
        with pytest.raises(LimitExceeded, match=message):
            later.order()
        if settings.waiting_max == 1:
            later.cancel(first)
            later.order()


def test_goods_that_leave_are_paid_by_card_up_to_a_limit(
    database: Database, people: People
) -> None:
    """A coin to New Hampshire costs 4,228.87. What was paid by card for another one counts for the
    days of the setting, and coins for the vault do not count."""
    later = LaterBuyer.create(database, people)
    shipped = {"delivery": Delivery.SHIP, "shipping_address": NEW_HAMPSHIRE}
    later = LaterBuyer(later.stall, later.payer, proven(later.buyer), later.coins)
    withheld = CardMoneyRules(withheld_days=7)
    with fixed_settings(withheld, OrderPaymentRules(card_leaving_max=usd("8457.73"))):
        assert outcome(later.finish(later.order(**shipped))) == ("allocated", None)
        assert outcome(later.finish(later.order())) == ("allocated", None)
        with pytest.raises(LimitExceeded, match="goods that leave"):
            later.order(**shipped)
        # Own money beside the card must be withdrawable, less what cards paid in lately.
        with pytest.raises(CardMoneyUnsettled):
            later.order(part(BALANCE, usd("0.01")), part(CARD), **shipped)
        with time_machine.travel(clock.now() + timedelta(days=8)):
            again = LaterBuyer(later.stall, later.payer, proven(later.buyer), later.coins)
            set_prices(database, AU="4000", AG="50")
            assert again.order(**shipped).status == "pending_payment"


def test_size_of_the_charge_is_refused_at_the_field_of_its_payment(later: LaterBuyer) -> None:
    with (
        fixed_settings(PaymentLimits(card_max=usd("4208.39"))),
        pytest.raises(Invalid) as refused,
    ):
        later.order()
    assert refused.value.field == "payment.amount"
    assert (later.free_units, later.balances) == (9, {"USD": "500.00"})


def test_preview_says_what_is_charged_and_why_a_method_cannot_be_used(later: LaterBuyer) -> None:
    lock = later.stall.lock(later.buyer, later.coins)

    def preview(*payments: RequestedPayment) -> checkout.CheckoutPreview:
        with later.database.reading() as session:
            request = CheckoutRequest(lock.id, Delivery.VAULT, payments)
            return checkout.preview(session, later.buyer, request)

    with fixed_settings(PaymentFees(), PaymentLimits(card_max=usd("4334.39"))):
        methods = {str(each.method): each for each in preview().methods}
        assert {name: (str(each.amount), str(each.fee)) for name, each in methods.items()} == {
            "balance": ("4208.40", "0.00"),
            "metal": ("1.05420842", "0.00"),
            "card": ("4334.40", "126.00"),
            "bank_transfer": ("4208.40", "0.00"),
        }
        assert {name: each.problem for name, each in methods.items()} == {
            "balance": "You have less USD available.",
            "metal": "You have less XAU-s available.",
            "card": "Enter 1.00 USD to 4,334.39 USD for a card.",
            "bank_transfer": None,
        }
        shown = preview(part(BALANCE, usd("208.40")), part(CARD))
    assert shown.charge is not None
    assert (str(shown.charge.amount), str(shown.charge.fee)) == ("4119.78", "119.78")
    provide(PaymentRails, PaymentRails({}))
    [card] = [each for each in preview().methods if each.method is CARD]
    assert card.problem == "This payment method is not available."


def test_customer_with_a_waiting_order_is_not_erased_and_gets_a_copy(later: LaterBuyer) -> None:
    order = later.cancel(later.order())
    waiting = later.order(BY_TRANSFER)
    with later.database.reading() as session:
        blockers = [
            each.field for room in ROOMS for each in room.erasure_blockers(session, order.user_id)
        ]
        [first, second] = next(
            sections["goodsOrders"]
            for room in ROOMS
            if "goodsOrders" in (sections := room.export_sections(session, order.user_id))
        )
        actions = [
            action
            for (action,) in session.rows(
                "SELECT action FROM audit_records WHERE subject = %s ORDER BY id",
                (order.public_id,),
            )
        ]
    assert f"orders.{waiting.public_id}" in blockers
    assert f"orders.{order.public_id}" not in blockers
    assert (first["status"], first["cancelReason"]) == ("cancelled", "customer")
    assert (second["status"], second["cancelReason"]) == ("pending_payment", None)
    assert actions == [AuditAction.GOODS_ORDER_PLACED, AuditAction.GOODS_ORDER_CANCELLED]
