"""Check that wholesalers and we agree on which goods were ordered."""

from datetime import timedelta

from app.fulfillment.restock.purchase_orders import ordering
from app.fulfillment.restock.purchase_orders import queries as purchases_queries
from app.fulfillment.restock.purchase_orders.ports import WholesaleOrder, Wholesaler
from app.fulfillment.restock.purchase_orders.queries import PurchaseRow
from app.fulfillment.restock.purchase_orders.rules import PREFIX
from app.kit import clock, ids
from app.kit.errors import NotFound
from app.reconciliation.comparison import Comparison

#: A wholesaler's list may lack an order for so long.
_LISTED_AFTER = timedelta(hours=1)


def compare_purchases(comparison: Comparison, wholesaler: Wholesaler) -> None:
    """Finish orders that we did not know to be placed, and report those that only one of us has."""
    listing = wholesaler.list_orders(comparison.since)
    comparison.set_aside(listing.set_aside, wholesaler.name, "orders")
    listed = {order.reference for order in listing}
    for order in listing:
        with comparison.item():
            _compare(comparison, order)
    with comparison.database.reading() as session:
        ours = purchases_queries.list_ordered(
            session, wholesaler.name, comparison.since, clock.now() - _LISTED_AFTER
        )
    for purchase in ours:
        if purchase.public_id not in listed:
            with comparison.item():
                comparison.report(
                    purchase.public_id,
                    "A wholesaler does not list an order that it confirmed",
                    {"order": str(purchase.number), "confirmation": purchase.confirmation or ""},
                )


def _compare(comparison: Comparison, order: WholesaleOrder) -> None:
    purchase = _find(comparison, order)
    if purchase is None:
        comparison.report_foreign(
            order.confirmation,
            "A wholesaler lists an order that we did not place",
            {"reference": order.reference},
        )
        return
    if purchase.confirmation == order.confirmation:
        return
    ordering.advance(comparison.database, purchase.id)
    after = _find(comparison, order)
    if after is not None and after.confirmation == order.confirmation:
        comparison.healed += 1
        return
    comparison.report(
        order.confirmation,
        "A wholesaler has an order twice, or one that we gave up",
        {"order": str(purchase.number), "ours": purchase.confirmation or purchase.status.label},
    )


def _find(comparison: Comparison, order: WholesaleOrder) -> PurchaseRow | None:
    order_id = ids.try_decode(PREFIX, order.reference)
    if order_id is None:
        return None
    try:
        with comparison.database.reading() as session:
            return purchases_queries.get_purchase(session, order_id)
    except NotFound:
        return None
