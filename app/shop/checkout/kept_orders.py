"""Orders whose goods are not sold at once: what they keep, and the two ways in which they end.

Such an order keeps its goods, and what else pays for it, by holds of its own without an end. It
ends in one transaction: its goods are sold as in any order; or it is cancelled, and everything that
it kept is released. Callers have locked its row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductSummary
from app.catalog.rules import USD
from app.funding.deposits import service as deposits
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.errors import HoldNotPending, InsufficientFunds
from app.settings.queries import current
from app.shop.checkout import invoice_documents, order_messages, payment_checks
from app.shop.checkout.invoices import Invoice
from app.shop.checkout.rules import Charges, OrderPaymentRules, RequestedPayment
from app.shop.checkout.sales import Sale, goods_of, post_sale
from app.shop.orders import queries as orders_queries
from app.shop.orders import service as orders
from app.shop.orders import waiting
from app.shop.orders.rules import DEPOSIT_METHODS, CancelReason, OrderedUnits, OrderStatus
from app.shop.orders.service import LaterPayment, NewOrder
from app.shop.orders.waiting import KeptPayment, LockedOrder
from app.trading.errors import QuoteExpired
from app.vault.bars import queries as bars_queries
from app.vault.bars.errors import SerialMismatch
from app.vault.locations import queries as locations_queries
from app.vault.lots.errors import InsufficientStock
from app.vault.stock import service as stock

#: The cause of the holds that keep goods and money for an order.
ORDER_CAUSE = "goods_order"
_NO_BAR = UUID(int=0)
_SOLD = {
    OrderStatus.PENDING_PAYMENT: AuditAction.GOODS_ORDER_PAID,
    OrderStatus.ON_HOLD: AuditAction.GOODS_ORDER_RELEASED,
}


def keep(
    session: Session,
    actor: Actor,
    order: NewOrder,
    invoice: Invoice,
    request: RequestedPayment | None,
) -> NewOrder:
    """Keep the goods of a new order and the payments that it makes at once, request the deposit
    that pays for the rest, if one does, and return the order with them.

    Raises `QuoteExpired` if the goods were released meanwhile, `InsufficientFunds`, `LimitExceeded`
    of orders that wait, and what `deposits.request` raises, of a size naming the field of
    `request`.
    """
    payment_checks.check_waiting(session, actor)
    kept = _keep_goods(session, order, invoice)
    money_hold_ids = {
        position: _keep_money(session, order.user_id, payment.given, order.placed_at)
        for position, payment in enumerate(order.payments)
        if payment.method not in DEPOSIT_METHODS
    }
    later = _request_deposit(session, actor, order, request) if request is not None else None
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODS_ORDER_PLACED,
        subject=ids.encode("ord", order.id),
        after={"status": order.status, "total": str(order.total)}
        | ({"deposit": ids.encode("dep", later.deposit_id)} if later else {}),
    )
    return replace(kept, later=later, money_hold_ids=money_hold_ids)


def _request_deposit(
    session: Session, actor: Actor, order: NewOrder, request: RequestedPayment
) -> LaterPayment:
    [later] = [each for each in order.payments if each.method in DEPOSIT_METHODS]
    quote = payment_checks.quote_deposit(session, later)
    try:
        deposit = deposits.request(
            session,
            actor,
            method=quote.method,
            amount=quote.amount,
            source=request.source,
            fee_max=request.fee_max,
            is_for_goods=True,
        )
    except Invalid as problem:
        raise Invalid(f"{request.field}.{problem.field}", problem.message) from None
    due_at = current(session, OrderPaymentRules).due_at(later.method, order.placed_at)
    return LaterPayment(deposit.id, due_at)


def _keep_goods(session: Session, order: NewOrder, invoice: Invoice) -> NewOrder:
    """Reserve the goods of an order by holds of its own, in place of those of its price lock, and
    return it with them."""
    new_ids = {each.hold_id: ids.new() for each in order.units}
    with session.refusing(HoldNotPending, QuoteExpired):
        ledger.void_holds(session, list(new_ids), at=order.placed_at)
    reserved = {
        new_ids[each.hold_id]: goods_of(each, invoice.products, invoice.locations)
        for each in sorted(order.units, key=_stock_order)
    }
    stock.reserve_all(session, reserved, cause=ORDER_CAUSE, placed_at=order.placed_at)
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


def keep_payments(
    session: Session, order: LockedOrder, payments: Sequence[KeptPayment], *, at: datetime
) -> Mapping[int, UUID]:
    """Keep what the deposit brought for an order that no hold keeps yet, and return the holds by
    the positions of the payments. Raises `InsufficientFunds`."""
    return {
        position: _keep_money(session, order.user_id, each.payment.given, at)
        for position, each in enumerate(payments)
        if each.hold_id is None
    }


def sell(
    session: Session, order: LockedOrder, *, actor: Actor | None, evidence: str, at: datetime
) -> CancelReason | None:
    """Sell the goods of an order whose money is there; return why that is not possible, if it is
    not. `evidence` is of its status: the deposit that paid, or why staff released it."""
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
            hold_ids += keep_payments(session, order, kept, at=at).values()
            payments = [each.payment for each in kept]
            sale = Sale(order.id, order.user_id, units, charges, payments, hold_ids)
            post_sale(session, sale, products, locations, at=at)
    except InsufficientFunds:
        return CancelReason.MONEY_SHORT
    except (QuoteExpired, InsufficientStock, SerialMismatch):
        return CancelReason.GOODS_GONE
    orders.mark_paid(
        session, order, actor_id=actor.user_id if actor else None, at=at, evidence=evidence
    )
    audit.record(
        session,
        actor=actor,
        action=_SOLD[order.status],
        subject=order.public_id,
        on_behalf_of=order.user_id,
        reason=evidence,
    )
    paid = orders_queries.get_order(session, order.id, user_id=order.user_id)
    invoice_documents.request_invoices(session, paid)
    order_messages.notify_of_payment(session, paid)
    return None


def _contents(
    session: Session, order: LockedOrder
) -> tuple[Sequence[OrderedUnits], Sequence[KeptPayment]]:
    return waiting.list_units(session, order.id), waiting.list_payments(session, order.id)


def end(
    session: Session,
    order: LockedOrder,
    reason: CancelReason,
    *,
    actor: Actor | None,
    at: datetime,
    words: str = "",
) -> None:
    """Cancel an order that keeps its goods: release what it kept, and give up its deposit. `words`
    are those of a member of staff, for the audit trail."""
    units, kept = _contents(session, order)
    hold_ids = [*(each.hold_id for each in units), *(each.hold_id for each in kept if each.hold_id)]
    pending = bars_queries.find_pending_holds(session, hold_ids)
    if pending:
        ledger.void_holds(session, sorted(pending), at=at)
    if order.deposit_id is not None:
        deposits.give_up(session, order.deposit_id)
    orders.mark_cancelled(session, order, reason, actor_id=actor.user_id if actor else None, at=at)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODS_ORDER_CANCELLED,
        subject=order.public_id,
        on_behalf_of=None if actor and actor.user_id == order.user_id else order.user_id,
        reason=words or reason,
    )
    ended = orders_queries.get_order(session, order.id, user_id=order.user_id)
    order_messages.notify_of_end(session, ended)
