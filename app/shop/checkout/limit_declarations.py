"""How much one person may order before paying, over all their accounts."""

from datetime import timedelta

import sqlalchemy as sa

from app.catalog.rules import USD
from app.kit.formatting import format_amount, format_number_of
from app.kit.money import Amount
from app.limits.registry import Limit
from app.shop.orders.models import ShopOrder, ShopOrderPayment
from app.shop.orders.rules import OrderPaymentMethod, OrderStatus
from app.tax.assessment import Delivery

_ONE: sa.ColumnElement[int] = sa.literal_column("1", sa.Integer)
_ORDERS = sa.select(
    ShopOrder.user_id.label("owner"),
    ShopOrder.id.label("id"),
    ShopOrder.placed_at.label("at"),
    _ONE.label("units"),
)

WAITING_ORDERS = Limit(
    "waiting_orders",
    "orders that wait for payment",
    None,
    lambda units: format_number_of(units, "order"),
    advice="Pay for one, or cancel it.",
    uses=[_ORDERS.where(ShopOrder.status == OrderStatus.PENDING_PAYMENT)],
)
#: An order that is not paid keeps goods from others, also if it is placed anew each time it ends.
UNPAID_ORDERS = Limit(
    "unpaid_orders",
    "orders that are not paid",
    timedelta(days=1),
    lambda units: format_number_of(units, "order"),
    uses=[
        _ORDERS.where(ShopOrder.paid_at.is_(None), ShopOrder.status != OrderStatus.ON_HOLD),
    ],
)
#: Callers give the days for which card money is withheld as the window.
CARD_LEAVING = Limit(
    "card_leaving",
    "card payments for goods that leave",
    None,
    lambda units: format_amount(Amount(USD, units)),
    advice="Choose the vault, or pay in another way.",
    asset=USD,
    uses=[
        sa.select(
            ShopOrder.user_id.label("owner"),
            ShopOrder.id.label("id"),
            ShopOrder.placed_at.label("at"),
            ShopOrderPayment.usd_units.label("units"),
        )
        .join_from(ShopOrder, ShopOrderPayment, ShopOrderPayment.order_id == ShopOrder.id)
        .where(
            ShopOrderPayment.method == OrderPaymentMethod.CARD,
            ShopOrder.destination != Delivery.VAULT,
            ShopOrder.status != OrderStatus.CANCELLED,
        )
    ],
)
