"""Which new orders staff look at before their goods are sold: only goods that leave need it."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.kit import ids
from app.kit.db import Session
from app.kyc import queries as kyc_queries
from app.screening.errors import RecipientBlocked
from app.screening.recipients import screen_recipient
from app.screening.rules import Verdict
from app.settings.queries import current
from app.shop.checkout.rules import OrderReviewRules
from app.shop.orders.models import ShopOrder
from app.shop.orders.rules import PREFIX, HoldReason
from app.shop.orders.service import NewOrder
from app.tax.assessment import Delivery

_DAY = timedelta(days=1)


def find_hold_reasons(session: Session, actor: Actor, order: NewOrder) -> list[HoldReason]:
    """Screen the recipient of a new order, and return why staff look at it; nothing if they need
    not.

    Raises `RecipientBlocked`, which keeps the screening and its audit record: callers have changed
    nothing before.
    """
    if order.destination is Delivery.VAULT:
        return []
    verdict = screen_recipient(
        session, order.user_id, order.shipping_address, about=ids.encode(PREFIX, order.id)
    )
    if verdict is Verdict.BLOCKED:
        audit.record(
            session,
            actor=actor,
            action=AuditAction.GOODS_ORDER_PLACED,
            subject=ids.encode(PREFIX, order.id),
            after={"total": str(order.total)},
            reason=f"screening: {verdict}",
            outcome=AuditOutcome.DENIED,
        )
        raise RecipientBlocked().keeping_records()
    rules = current(session, OrderReviewRules)
    history = _read_history(session, order, rules.new_days)
    is_new = history.paid_long_ago == 0
    found = {
        HoldReason.SCREENING: verdict is not Verdict.CLEAR,
        HoldReason.MANY_ORDERS: rules.orders_per_day <= history.today,
        HoldReason.ADDRESSES_DIFFER: rules.addresses_differ_from <= order.total
        and _addresses_differ(order),
        HoldReason.FIRST_LARGE_ORDER: is_new and rules.first_order_from <= order.total,
    }
    return [reason for reason, holds in found.items() if holds]


@dataclass(frozen=True, slots=True)
class _History:
    """What the person of a new order ordered before: how many orders of goods that leave within 24
    hours, and how many paid ones of any goods so long ago that they are no new customer."""

    today: int
    paid_long_ago: int


def _read_history(session: Session, order: NewOrder, new_days: int) -> _History:
    owners = kyc_queries.accounts_of_person(session, order.user_id)
    leaves_today = sa.and_(
        ShopOrder.destination != Delivery.VAULT, ShopOrder.placed_at > order.placed_at - _DAY
    )
    is_old = ShopOrder.paid_at <= order.placed_at - timedelta(days=new_days)
    select = sa.select(
        sa.func.count().filter(leaves_today).label("today"),
        sa.func.count().filter(is_old).label("paid_long_ago"),
    ).where(ShopOrder.user_id.in_(owners))
    return session.get(_History, select)


def _addresses_differ(order: NewOrder) -> bool:
    """Return whether the invoice goes to another country or postal code than the goods."""
    shipping, billing = order.shipping_address, order.billing_address
    if shipping is None or billing is None:
        return False
    return (shipping.country, shipping.zip_code) != (billing.country, billing.zip_code)
