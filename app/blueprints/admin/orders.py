"""Orders of goods: the list, and one order with its goods, payments and history."""

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.lists import (
    Column,
    DateFilter,
    EnumFilter,
    ListPage,
    NumberFilter,
    PersonCell,
    PersonFilter,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches import queries as branches_queries
from app.documents import queries as documents_queries
from app.funding import customer_facts
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.shop.orders import listed_orders
from app.shop.orders.rules import PREFIX, OrderStatus
from app.tax.assessment import Delivery

blp = PageBlueprint("orders", "/admin/orders")

ORDERS = ListPage(
    name="orders",
    title="Orders",
    about="Goods that customers bought.",
    source=lambda _session, _actor: listed_orders.ORDERS,
    columns=(
        Column("number", "Number", lambda order: str(order.number), sort="number"),
        Column("placed", "Placed", lambda order: order.placed_at, sort="placed"),
        Column("customer", "Customer", lambda order: PersonCell(order.user_id)),
        Column("status", "Status", lambda order: order.status),
        Column("total", "Total", lambda order: order.total, is_figure=True),
        Column("units", "Units", lambda order: order.units),
        Column("destination", "Destination", lambda order: order.destination),
        Column("paid", "Paid", lambda order: order.paid_at, is_hidden=True),
        Column("id", "ID", lambda order: order.public_id, is_hidden=True),
    ),
    row_url=lambda order: url_for("orders_pages.show_order", order_id=order.public_id),
    default_sort="-placed",
    filters=(
        NumberFilter("number", "Number", hint="Like 10000001"),
        PersonFilter("customer", "Customer", hint="Email or ID"),
        EnumFilter("status", "Status", OrderStatus),
        EnumFilter("destination", "Destination", Delivery),
        DateFilter("from", "Placed from"),
        DateFilter("to", "Placed to", is_end=True),
    ),
    empty=("No orders yet", "They appear here when customers buy goods."),
    refreshes=True,
)

blp.add_list("", ORDERS, permission=Permission.SHOP_ORDERS_READ)


# It writes: viewing the order, with its addresses, is recorded.
@blp.view("GET", "/<order_id>", permission=Permission.SHOP_ORDERS_READ, shows=PREFIX, writes=True)
def show_order(session: Session, actor: Actor, order_id: str) -> Response:
    """Show an order of goods."""
    order = listed_orders.view_order(session, actor, ids.decode(PREFIX, order_id))
    pickup = order.pickup_branch_id
    return render_page(
        "admin/orders/order.html",
        order=order,
        steps=order.events,
        documents=documents_queries.list_documents_about(session, order.public_id),
        places=listed_orders.list_places(session, order.id),
        pickup=branches_queries.get_any_branch(session, pickup) if pickup else None,
        customer=customer_facts.describe_customer(session, actor, order.user_id),
        names=people.get_names(
            session, [order.user_id, *(step.actor_id for step in order.events if step.actor_id)]
        ),
    )
