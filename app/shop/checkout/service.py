"""The verbs of checkout: say what an order costs in the end, and sell its goods.

An order that balance and metal pay is one transaction: the goods, the money, the tax and the order
are stored together, or nothing is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import Actor
from app.catalog.rules import SYNTHETIC, USD
from app.funding import card_money, limits
from app.funding.receivables import service as receivables
from app.identity.sign_in import recent_proof
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_amount
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.ledger import service as ledger
from app.ledger.errors import HoldNotPending
from app.notifications import service as notifications
from app.notifications.kinds import GoodsOrderPaid
from app.shop.checkout import invoice_documents, invoices, rules
from app.shop.checkout.invoices import CheckoutRequest, Invoice
from app.shop.checkout.postings import post_charges, post_payments
from app.shop.checkout.rules import RequestedPayment
from app.shop.locks import queries as locks_queries
from app.shop.locks import service as locks
from app.shop.locks.queries import PriceLock
from app.shop.orders import queries as orders_queries
from app.shop.orders import rules as orders_rules
from app.shop.orders import service as orders
from app.shop.orders.queries import GoodsOrder
from app.shop.orders.rules import OrderPayment, OrderPaymentMethod
from app.shop.orders.service import NewOrder
from app.tax.assessment import Delivery
from app.trading.errors import QuoteExpired
from app.trading.rules import PricePair
from app.vault.lots.service import Goods
from app.vault.stock import service as stock
from app.vault.stock.service import SoldGoods

SALE_CAUSE = "goods_sold"
_NEXT_STEPS = {
    Delivery.SHIP: "We pack your goods and tell you when they are on their way.",
    Delivery.PICKUP: "We pack your goods and tell you when you can pick them up. Bring the document"
    " by which you were identified.",
    Delivery.VAULT: "Your goods are in our vault, and they are yours.",
}


@dataclass(frozen=True, slots=True)
class PaymentOption:
    """A way to pay the total: what it takes of an asset, and whether so much is available."""

    method: OrderPaymentMethod
    amount: Amount
    is_covered: bool


@dataclass(frozen=True, slots=True)
class CheckoutPreview:
    """What an order would cost now, and how it can be paid."""

    invoice: Invoice
    methods: Sequence[PaymentOption]
    payments: Sequence[OrderPayment]
    expires_at: datetime


def preview(session: Session, actor: Actor, request: CheckoutRequest) -> CheckoutPreview:
    """Return what an order costs before it is agreed to. Changes nothing.

    Raises what `check_out` raises of the goods, their destination and the payments.
    """
    now = clock.now()
    lock = locks_queries.get_lock(session, actor.user_id, request.lock_id)
    locks.require_open(lock, now)
    invoice = invoices.draw_up(session, actor, lock, request, at=now)
    prices = _promised_prices(lock)
    payments = (
        rules.split_total(invoice.total, request.payments, prices) if request.payments else []
    )
    methods = _payment_options(session, actor, invoice.total, prices)
    return CheckoutPreview(invoice, methods, payments, lock.expires_at)


def check_out(session: Session, actor: Actor, request: CheckoutRequest) -> GoodsOrder:
    """Sell the goods of a price lock, once, and return the order.

    Raises `ReauthenticationRequired` for goods that are shipped, `QuoteNotFound`, `QuoteExpired`,
    `QuoteUsed` and `QuoteVoided` of the lock, what `invoices.draw_up` raises of the goods and their
    destination, `Invalid` naming a field of the payments, `ReceivableOutstanding` and
    `CardMoneyUnsettled` for goods that leave, and `InsufficientFunds`.
    """
    now = clock.now()
    if request.delivery is Delivery.SHIP:
        recent_proof.require_recent_proof(actor)
    lock = locks.claim(session, actor, request.lock_id, now)
    invoice = invoices.draw_up(session, actor, lock, request, at=now)
    payments = rules.split_total(invoice.total, request.payments, _promised_prices(lock))
    if request.delivery is not Delivery.VAULT:
        _check_may_leave(session, actor, invoice.total)
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
    _post_sale(session, order, invoice, lock.hold_ids)
    orders.record_paid_order(session, order)
    locks.use(session, lock, order.id, at=now)
    placed = orders_queries.get_order(session, order.id, user_id=actor.user_id)
    invoice_documents.request_invoices(session, placed)
    _notify(session, placed)
    return placed


def _promised_prices(lock: PriceLock) -> Mapping[str, PricePair]:
    """Return the prices at which metal pays, by its asset."""
    return {
        SYNTHETIC[metal].code: PricePair(each.bid, each.ask, (each.bid + each.ask) / 2)
        for metal, each in lock.metals.items()
    }


def _payment_options(
    session: Session, actor: Actor, total: Amount, prices: Mapping[str, PricePair]
) -> list[PaymentOption]:
    """Return what each asset would have to give to pay everything."""
    available = {
        balance.asset: balance.posted - balance.held
        for balance in ledger_queries.customer_balances(session, actor.user_id)
    }
    metals = [asset for asset in SYNTHETIC.values() if asset.code in prices]
    options = []
    for method, asset in (
        (OrderPaymentMethod.BALANCE, USD),
        *((OrderPaymentMethod.METAL, asset) for asset in metals),
    ):
        request = RequestedPayment("payment", method, asset)
        [payment] = rules.split_total(total, [request], prices)
        is_covered = payment.given.units <= available.get(asset.code, 0)
        options.append(PaymentOption(method, payment.given, is_covered))
    return options


def _check_may_leave(session: Session, actor: Actor, total: Amount) -> None:
    """Raise what a withdrawal of this worth would: goods that leave are one."""
    limits.lock_customer_payments(session, actor.user_id)
    receivables.require_nothing_owed(session, actor.user_id)
    card_money.check_withdrawable(session, actor.user_id, total)


def _post_sale(
    session: Session, order: NewOrder, invoice: Invoice, hold_ids: Sequence[UUID]
) -> None:
    """Post the one entry of the sale: units, ounces, premium, payments, tax and charges."""
    reference = _public_id(order.id)
    sold = [
        SoldGoods(
            Goods(
                invoice.products[line.sku],
                invoice.locations[part.location_id],
                part.units,
                (part.lot_id,) if part.lot_id else (),
            ),
            part.price,
            line.spot,
        )
        for line in order.lines
        for part in line.parts
    ]
    # The job that ends holds may come between the look at the lock and the sale.
    with session.refusing(HoldNotPending, QuoteExpired):
        goods = stock.sell(
            session,
            sold,
            owner_id=order.user_id,
            reference=reference,
            at=order.placed_at,
            hold_ids=hold_ids,
        )
        ledger.post(
            session,
            cause=SALE_CAUSE,
            reference=reference,
            posted_at=order.placed_at,
            postings=[
                *goods,
                *post_payments(order.user_id, order.payments),
                *post_charges(invoice.charges_by_branch),
            ],
            hold_ids=hold_ids,
        )


def _public_id(order_id: UUID) -> PublicId:
    return ids.encode(orders_rules.PREFIX, order_id)


def _notify(session: Session, order: GoodsOrder) -> None:
    assert order.paid_at is not None  # of paid orders only
    goods = "\n".join(
        f"{line.quantity} x {line.name}: {format_amount(line.price)}" for line in order.lines
    )
    message = GoodsOrderPaid(
        order.public_id,
        order.number,
        _NEXT_STEPS[order.destination],
        goods,
        order.tax,
        order.shipping,
        order.insurance,
        order.total,
        order.paid_at,
    )
    notifications.notify(session, message, to=order.user_id, event=order.public_id)
