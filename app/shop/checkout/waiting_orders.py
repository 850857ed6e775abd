"""Orders that a deposit pays, by card or bank transfer: place, advance, cancel.

Such an order keeps its goods, and what else pays for it, by holds of its own without an end. It
ends in one of two ways, each in one transaction: its goods are sold as in any order, once the
deposit is credited; or it is cancelled, everything that it kept is released, and what arrives is
in the customer's balance. Only `advance` and `cancel` end one, and they lock its row: so the order
and number of their calls do not matter.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductSummary
from app.catalog.rules import USD
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.deposits.queries import Deposit
from app.funding.states import OPEN_DEPOSITS, DepositStatus
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.errors import HoldNotPending, InsufficientFunds
from app.outbox import service as outbox
from app.settings.queries import current
from app.shop.checkout import invoice_documents, order_messages, payment_checks
from app.shop.checkout.errors import CancelWindowClosed
from app.shop.checkout.invoices import Invoice
from app.shop.checkout.rules import Charges, OrderPaymentRules, RequestedPayment
from app.shop.checkout.sales import Sale, goods_of, post_sale
from app.shop.orders import queries as orders_queries
from app.shop.orders import service as orders
from app.shop.orders import waiting
from app.shop.orders.rules import (
    DEPOSIT_METHODS,
    CancelReason,
    OrderedUnits,
    OrderPaymentMethod,
    OrderStatus,
)
from app.shop.orders.service import LaterPayment, NewOrder
from app.shop.orders.waiting import KeptPayment, WaitingOrder
from app.trading.errors import QuoteExpired
from app.vault.bars import queries as bars_queries
from app.vault.bars.errors import SerialMismatch
from app.vault.locations import queries as locations_queries
from app.vault.lots.errors import InsufficientStock
from app.vault.stock import service as stock

#: The cause of the holds that keep goods and money for an order.
ORDER_CAUSE = "goods_order"
_NO_BAR = UUID(int=0)


def keep(
    session: Session,
    actor: Actor,
    order: NewOrder,
    invoice: Invoice,
    request: RequestedPayment,
) -> NewOrder:
    """Keep the goods of a new order and the payments that it makes at once, request the deposit
    that pays for the rest, and return the order with them.

    Raises `QuoteExpired` if the goods were released meanwhile, `InsufficientFunds`, and what
    `deposits.request` raises, of a size naming the field of `request`.
    """
    payment_checks.check_waiting(session, actor)
    kept = _keep_goods(session, order, invoice)
    hold_ids: dict[int, UUID] = {}
    for position, payment in enumerate(order.payments):
        if payment.method in DEPOSIT_METHODS:
            later = payment
            continue
        hold_ids[position] = _keep_money(session, order.user_id, payment.given, order.placed_at)
    quote = payment_checks.quote_deposit(session, later)
    try:
        deposit = deposits.request(
            session,
            actor,
            method=quote.method,
            amount=quote.amount,
            source=request.source,
            fee_max=request.fee_max,
        )
    except Invalid as problem:
        raise Invalid(f"{request.field}.{problem.field}", problem.message) from None
    due_at = current(session, OrderPaymentRules).due_at(later.method, order.placed_at)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODS_ORDER_PLACED,
        subject=ids.encode("ord", order.id),
        after={"deposit": deposit.public_id, "total": str(order.total)},
    )
    return replace(kept, later=LaterPayment(deposit.id, due_at, hold_ids))


def _keep_goods(session: Session, order: NewOrder, invoice: Invoice) -> NewOrder:
    """Reserve the goods of an order by holds of its own, in place of those of its price lock, and
    return it with them."""
    new_ids = {each.hold_id: ids.new() for each in order.units}
    with session.refusing(HoldNotPending, QuoteExpired):
        ledger.void_holds(session, list(new_ids), at=order.placed_at)
    for each in sorted(order.units, key=_stock_order):
        stock.reserve(
            session,
            goods_of(each, invoice.products, invoice.locations),
            hold_id=new_ids[each.hold_id],
            cause=ORDER_CAUSE,
            placed_at=order.placed_at,
        )
    lines = [
        replace(line, parts=[replace(part, hold_id=new_ids[part.hold_id]) for part in line.parts])
        for line in order.lines
    ]
    return replace(order, lines=lines)


def _stock_order(units: OrderedUnits) -> tuple[str, UUID, UUID]:
    return units.sku, units.location_id, units.lot_id or _NO_BAR


def _keep_money(session: Session, user_id: UUID, amount: Amount, at: datetime) -> UUID:
    hold_id = ids.new()
    account = chart.customer(user_id, amount.asset)
    ledger.place_hold(
        session, hold_id=hold_id, account=account, amount=amount, cause=ORDER_CAUSE, placed_at=at
    )
    return hold_id


def stage_due(session: Session) -> None:
    """Stage the job of every waiting order whose deposit has ended, or whose time is over."""
    for order_id in waiting.list_due(session, clock.now()):
        outbox.stage(session, "shop.advance_order", {"order_id": str(order_id)})


def advance_orders_of(session: Session, user_id: UUID) -> None:
    """Advance every order of a customer that waits for its payment."""
    for order_id in waiting.list_waiting_of(session, user_id):
        advance(session, order_id)


def advance(session: Session, order_id: UUID) -> None:
    """End a waiting order if its deposit has ended, or its time is over; else leave it as it is."""
    order = waiting.lock_order(session, order_id)
    if order is None or order.status is not OrderStatus.PENDING_PAYMENT:
        return
    # Locked, so that what a job of funding is about to store is waited for.
    deposit = deposit_queries.lock_deposit(session, order.deposit_id)
    now = clock.now()
    reason = _why_unpaid(order, deposit, now)
    if reason is None and deposit.status is DepositStatus.CREDITED:
        reason = _sell(session, order, deposit, now)
        is_short = reason is CancelReason.MONEY_SHORT
        if is_short and deposit.method is not _CARD and now < order.payment_due_at:
            # Another transfer may bring the rest.
            return
    if reason is not None:
        _end(session, order, reason, actor=None, at=now)


_CARD = DEPOSIT_METHODS[OrderPaymentMethod.CARD]


def _why_unpaid(order: WaitingOrder, deposit: Deposit, now: datetime) -> CancelReason | None:
    """Return why the order will not be paid; None if it may be, or is."""
    match deposit.status:
        case DepositStatus.CREDITED:
            assert deposit.credited_at is not None  # credited_says_when
            return CancelReason.PAYMENT_LATE if order.payment_due_at < deposit.credited_at else None
        case DepositStatus.CANCELLED:
            return CancelReason.PAYMENT_CANCELLED
        case status if status in OPEN_DEPOSITS:
            return CancelReason.PAYMENT_LATE if order.payment_due_at <= now else None
    return CancelReason.PAYMENT_FAILED


def _sell(
    session: Session, order: WaitingOrder, deposit: Deposit, at: datetime
) -> CancelReason | None:
    """Sell the goods of an order whose deposit was credited; return why that is not possible, if it
    is not."""
    units, kept = _contents(session, order)
    hold_ids = [*(each.hold_id for each in units), *(each.hold_id for each in kept if each.hold_id)]
    products: dict[str, ProductSummary] = {
        each.sku: each
        for each in products_queries.list_products(session, {each.sku for each in units})
    }
    places = {each.location_id for each in units}
    locations = locations_queries.locations_by_id(session, places)
    charges = Charges(
        Amount(USD, order.tax_units),
        Amount(USD, order.shipping_units),
        Amount(USD, order.insurance_units),
    )
    try:
        with session.savepoint():
            # The entry takes no more from an account than was held there.
            hold_ids += [
                _keep_money(session, order.user_id, each.payment.given, at)
                for each in kept
                if each.hold_id is None
            ]
            payments = [each.payment for each in kept]
            sale = Sale(order.id, order.user_id, units, charges, payments, hold_ids)
            post_sale(session, sale, products, locations, at=at)
    except InsufficientFunds:
        return CancelReason.MONEY_SHORT
    except (QuoteExpired, InsufficientStock, SerialMismatch):
        return CancelReason.GOODS_GONE
    orders.mark_paid(session, order, at=at, evidence=deposit.public_id)
    audit.record(
        session,
        actor=None,
        action=AuditAction.GOODS_ORDER_PAID,
        subject=order.public_id,
        on_behalf_of=order.user_id,
        after={"deposit": deposit.public_id},
    )
    paid = orders_queries.get_order(session, order.id, user_id=order.user_id)
    invoice_documents.request_invoices(session, paid)
    order_messages.notify_of_payment(session, paid)
    return None


def _contents(
    session: Session, order: WaitingOrder
) -> tuple[Sequence[OrderedUnits], Sequence[KeptPayment]]:
    return waiting.list_units(session, order.id), waiting.list_payments(session, order.id)


def cancel(session: Session, actor: Actor, order_id: UUID) -> None:
    """Cancel the actor's order while it waits for its payment; cancelling it again changes nothing.

    Raises `NotFound`, and `CancelWindowClosed` for a paid one.
    """
    order = waiting.lock_order(session, order_id, user_id=actor.user_id)
    if order is None:
        orders_queries.get_order(session, order_id, user_id=actor.user_id)
        raise CancelWindowClosed
    match order.status:
        case OrderStatus.PENDING_PAYMENT:
            _end(session, order, CancelReason.CUSTOMER, actor=actor, at=clock.now())
        case OrderStatus.CANCELLED:
            return
        case _:
            raise CancelWindowClosed


def _end(
    session: Session,
    order: WaitingOrder,
    reason: CancelReason,
    *,
    actor: Actor | None,
    at: datetime,
) -> None:
    """Cancel a waiting order: release what it kept, and give up its deposit."""
    units, kept = _contents(session, order)
    hold_ids = [*(each.hold_id for each in units), *(each.hold_id for each in kept if each.hold_id)]
    pending = bars_queries.find_pending_holds(session, hold_ids)
    if pending:
        ledger.void_holds(session, sorted(pending), at=at)
    deposits.give_up(session, order.deposit_id)
    orders.mark_cancelled(session, order, reason, actor_id=actor.user_id if actor else None, at=at)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODS_ORDER_CANCELLED,
        subject=order.public_id,
        on_behalf_of=None if actor else order.user_id,
        reason=reason,
    )
    ended = orders_queries.get_order(session, order.id, user_id=order.user_id)
    order_messages.notify_of_end(session, ended)
