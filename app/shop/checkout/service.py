"""The verbs of checkout: say what an order costs in the end, and sell its goods.

An order that balance and metal pay is one transaction: the goods, the money, the tax and the order
are stored together, or nothing is. One that a card or a bank transfer pays waits for that.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.access import Actor
from app.catalog.rules import SYNTHETIC
from app.funding.fees import PaymentQuote
from app.identity.sign_in import recent_proof
from app.kit import clock, ids
from app.kit.db import Session
from app.shop.cart import service as cart
from app.shop.checkout import (
    invoice_documents,
    invoices,
    kept_orders,
    order_holds,
    order_messages,
    payment_checks,
    rules,
)
from app.shop.checkout.invoices import CheckoutRequest, Invoice
from app.shop.checkout.payment_checks import PaymentOption
from app.shop.checkout.sales import Sale, post_sale
from app.shop.locks import queries as locks_queries
from app.shop.locks import service as locks
from app.shop.locks.queries import PriceLock
from app.shop.locks.rules import CancelTerms
from app.shop.orders import service as orders
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderPayment, OrderPaymentMethod, OrderStatus
from app.shop.orders.service import NewOrder
from app.tax.assessment import Delivery
from app.trading.rules import PricePair


@dataclass(frozen=True, slots=True)
class CheckoutPreview:
    """What an order would cost now, and how it can be paid."""

    invoice: Invoice
    methods: Sequence[PaymentOption]
    payments: Sequence[OrderPayment]
    #: What the card would be charged, or the customer transfer; None if all is paid at once.
    charge: PaymentQuote | None
    expires_at: datetime
    cancel_terms: CancelTerms


def preview(session: Session, actor: Actor, request: CheckoutRequest) -> CheckoutPreview:
    """Return what an order costs before it is agreed to. Changes nothing.

    Raises what `check_out` raises of the goods, their destination and how payments make up the
    total.
    """
    now = clock.now()
    lock = locks_queries.get_lock(session, actor.user_id, request.lock_id)
    locks.require_open(lock, now)
    invoice = invoices.draw_up(session, actor, lock, request, at=now)
    prices = _promised_prices(lock)
    payments = (
        rules.split_total(invoice.total, request.payments, prices) if request.payments else []
    )
    methods = payment_checks.list_options(session, actor, invoice.total, prices, request.delivery)
    later = rules.find_later(request.payments)
    charge = None if later is None else payment_checks.quote_deposit(session, payments[later])
    return CheckoutPreview(invoice, methods, payments, charge, lock.expires_at, lock.cancel_terms)


def check_out(session: Session, actor: Actor, request: CheckoutRequest) -> GoodsOrder:
    """Sell the goods of a price lock, once, and return the order; it waits for its payment if a
    card or a bank transfer pays, and for staff if a rule puts it on hold.

    Raises `ReauthenticationRequired` for goods that are shipped, `QuoteNotFound`, `QuoteExpired`,
    `QuoteUsed` and `QuoteVoided` of the lock, what `invoices.draw_up` raises of the goods and their
    destination, `Invalid` naming a field of the payments, what `payment_checks.check_may_leave`
    raises for goods that leave, `RecipientBlocked`, `InsufficientFunds`, and what
    `kept_orders.keep` raises.
    """
    now = clock.now()
    if request.delivery is Delivery.SHIP:
        recent_proof.require_recent_proof(actor)
    lock = locks.claim(session, actor, request.lock_id, now)
    invoice = invoices.draw_up(session, actor, lock, request, at=now)
    payments = rules.split_total(invoice.total, request.payments, _promised_prices(lock))
    if request.delivery is not Delivery.VAULT:
        payment_checks.check_may_leave(session, actor, payments)
    order = NewOrder(
        ids.new(),
        actor.user_id,
        lock.id,
        request.delivery,
        request.pickup_branch_id,
        request.shipping_address,
        request.billing_address,
        invoice.goods,
        invoice.charges.tax,
        invoice.shipping,
        invoice.insurance,
        invoice.total,
        now,
        invoice.lines,
        payments,
    )
    order = replace(order, hold_reasons=order_holds.find_hold_reasons(session, actor, order))
    later = rules.find_later(request.payments)
    if later is None and not order.hold_reasons:
        _post(session, order, invoice, lock)
    else:
        by_deposit = None if later is None else request.payments[later]
        order = kept_orders.keep(session, actor, order, invoice, by_deposit)
    placed = orders.record_order(session, order)
    locks.use(session, lock, order.id, at=now)
    cart.take_out_ordered(session, actor.user_id, _count_units(order))
    if placed.status is OrderStatus.ALLOCATED:
        invoice_documents.request_invoices(session, placed)
        order_messages.notify_of_payment(session, placed)
    elif later is None:
        order_messages.notify_of_hold(session, placed)
    elif payments[later].method is OrderPaymentMethod.BANK_TRANSFER:
        order_messages.notify_of_waiting(session, placed)
    return placed


def _count_units(order: NewOrder) -> Counter[str]:
    """Return the units by SKU: bars with weights of their own are lines of their own."""
    units = Counter[str]()
    for line in order.lines:
        units[line.sku] += line.quantity
    return units


def _promised_prices(lock: PriceLock) -> Mapping[str, PricePair]:
    """Return the prices at which metal pays, by its asset."""
    return {
        SYNTHETIC[metal].code: PricePair(each.bid, each.ask, (each.bid + each.ask) / 2)
        for metal, each in lock.metals.items()
    }


def _post(session: Session, order: NewOrder, invoice: Invoice, lock: PriceLock) -> None:
    sale = Sale(
        order.id, order.user_id, order.units, invoice.charges, order.payments, lock.hold_ids
    )
    post_sale(session, sale, invoice.products, invoice.locations, at=order.placed_at)
