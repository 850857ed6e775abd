"""The board: what is needed, what is ordered, and what arrived last."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.fulfillment.restock.needs import queries as needs_queries
from app.fulfillment.restock.needs.queries import NeedRow
from app.fulfillment.restock.purchase_orders import queries as purchases_queries
from app.fulfillment.restock.purchase_orders import service as purchases
from app.fulfillment.restock.purchase_orders.queries import PurchaseRow
from app.fulfillment.restock.purchase_orders.rules import RestockRules
from app.fulfillment.restock.receiving import queries as receiving_queries
from app.fulfillment.restock.receiving.queries import PurchaseReceiptRow
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListQuery, fetch_page
from app.kit.money import Amount
from app.pricing.errors import PriceStale
from app.settings.queries import current

_RECEIPTS_SHOWN = 15


@dataclass(frozen=True, slots=True)
class NeedGroup:
    """The open needs of a location that one supplier sells; those without a supplier by
    themselves."""

    supplier_id: UUID | None
    supplier: str | None
    location_id: UUID
    location_code: str
    needs: Sequence[NeedRow]
    #: None if a metal has no price.
    estimate: Amount | None
    takes_two: bool

    @property
    def fields(self) -> dict[str, str]:
        """What the form of the group carries."""
        assert self.supplier_id is not None  # the form is shown with a supplier
        return {
            "supplier": ids.encode("sup", self.supplier_id),
            "location": ids.encode("loc", self.location_id),
        }


@dataclass(frozen=True, slots=True)
class Board:
    """What the page of restock shows."""

    groups: Sequence[NeedGroup]
    orders: Sequence[PurchaseRow]
    receipts: Sequence[PurchaseReceiptRow]


def read_board(session: Session) -> Board:
    """Return the open needs by supplier and location, the orders that are not ended, the oldest
    first, and the latest receipts."""
    grouped: dict[tuple[UUID | None, UUID], list[NeedRow]] = {}
    for need in needs_queries.list_open_needs(session):
        grouped.setdefault((need.supplier_id, need.location_id), []).append(need)
    receipts = fetch_page(
        session, receiving_queries.RECEIPTS, ListQuery({}, "-received", limit=_RECEIPTS_SHOWN)
    )
    groups = [_group(session, group) for group in grouped.values()]
    return Board(
        sorted(groups, key=lambda group: (group.supplier or "", group.location_code)),
        purchases_queries.list_open(session),
        receipts.rows,
    )


def _group(session: Session, needs: Sequence[NeedRow]) -> NeedGroup:
    first = needs[0]
    try:
        estimate = purchases.estimate_units(session, {need.sku: need.units for need in needs})
    except PriceStale:
        estimate = None
    most = current(session, RestockRules).unapproved_max
    return NeedGroup(
        first.supplier_id,
        first.supplier,
        first.location_id,
        first.location_code,
        needs,
        estimate,
        takes_two=estimate is not None and most < estimate,
    )
