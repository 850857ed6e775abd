"""Named reads of needs, and of the shelves that they are concluded from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.branches.models import Branch
from app.catalog.products.models import Product
from app.fulfillment.restock.needs.models import RestockNeed
from app.fulfillment.restock.needs.rules import NeedStatus, ShelfState
from app.fulfillment.restock.purchase_orders.models import PurchaseOrder, PurchaseOrderLine
from app.fulfillment.restock.purchase_orders.rules import ON_ORDER, RestockRules
from app.fulfillment.restock.suppliers.models import Supplier, SupplierProduct
from app.kit import clock, ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.statements import AnySelect, compile_select
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountClass
from app.ledger.models import Account, Entry, Posting
from app.settings.queries import current
from app.vault.alerts.service import StockPlace
from app.vault.locations.models import Location
from app.vault.locations.rules import LocationKind
from app.vault.reorder_points.models import ReorderPoint
from app.vault.reorder_points.queries import IS_OF_PLACE
from app.vault.transfers.models import StockTransfer, StockTransferLine
from app.vault.transfers.rules import StockTransferStatus

#: The prefix of a need's public id.
PREFIX = "ned"
_OPEN_COUNT = Count(("SELECT count(*) FROM restock_needs WHERE status = 'open'", None))

_account = ledger_queries.GUARDED_ACCOUNTS
_REORDER_BELOW = sa.func.coalesce(ReorderPoint.reorder_below, Product.reorder_below)


def _total(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)


def _here(*columns: sa.ColumnElement[Any], state: AccountClass) -> AnySelect:
    return sa.select(*columns).where(
        _account.c.asset == Product.sku,
        _account.c.owner_id == Location.id,
        _account.c.account_class == state,
    )


_AVAILABLE = _here(_total(_account.c.posted - _account.c.held), state=AccountClass.STOCK_AVAILABLE)
_ON_HAND = sa.select(_total(_account.c.posted)).where(
    _account.c.asset == Product.sku,
    _account.c.owner_id == Location.id,
    sa.or_(
        _account.c.account_class == AccountClass.STOCK_AVAILABLE,
        _account.c.account_class == AccountClass.STOCK_QUARANTINE,
    ),
)
_BOUGHT = (
    sa.select(
        _total(sa.func.greatest(0, PurchaseOrderLine.units - PurchaseOrderLine.received_units))
    )
    .join(PurchaseOrder, PurchaseOrder.id == PurchaseOrderLine.order_id)
    .where(
        PurchaseOrderLine.sku == Product.sku,
        PurchaseOrder.location_id == Location.id,
        sa.or_(*(PurchaseOrder.status == status for status in sorted(ON_ORDER))),
    )
)
_SENT_HERE = (
    sa.select(
        _total(
            StockTransferLine.units
            - StockTransferLine.received_units
            - StockTransferLine.written_off_units
        )
    )
    .join(StockTransfer, StockTransfer.id == StockTransferLine.transfer_id)
    .where(
        StockTransferLine.sku == Product.sku,
        StockTransfer.destination_id == Location.id,
        StockTransfer.status == StockTransferStatus.IN_TRANSIT,
    )
)
_SOLD = (
    sa.select(_total(Posting.units.expression))
    .join(Account, Account.id == Posting.account_id)
    .join(Entry, Entry.id == Posting.entry_id)
    .where(
        Account.asset == Product.sku,
        Account.account_class == AccountClass.STOCK_ALLOCATED,
        Account.owner_id == Location.id,
        Posting.units > 0,
        Entry.posted_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    )
)


def _one(select: AnySelect | sa.Select[int]) -> sa.ScalarSelect[Any]:
    return select.correlate(Product, Location).scalar_subquery()


#: The places that are asked for, each a SKU at a location.
_PLACES = (
    sa.func.unnest(
        sa.bindparam("skus", type_=sa.ARRAY(sa.Text)),
        sa.bindparam("location_ids", type_=sa.ARRAY(sa.Uuid)),
    )
    .table_valued(sa.column("sku", sa.Text), sa.column("location_id", sa.Uuid))
    .render_derived(name="places")
)
# One statement, so that a delivery is on the shelf or on order, and never both.
_SHELVES = compile_select(
    sa.select(
        Product.sku,
        Location.id.label("location_id"),
        _one(_AVAILABLE).label("available"),
        _one(_ON_HAND).label("on_hand"),
        (_one(_BOUGHT) + _one(_SENT_HERE)).label("on_order"),
        _one(_SOLD).label("sold"),
        _REORDER_BELOW.label("reorder_below"),
        sa.func.coalesce(
            ReorderPoint.fill_to,
            sa.func.nullif(_REORDER_BELOW, 0) * sa.bindparam("multiple", type_=sa.Integer),
        ).label("fill_to"),
    )
    .select_from(_PLACES)
    .join(Product, Product.sku == _PLACES.c.sku)
    .join(Location, Location.id == _PLACES.c.location_id)
    .outerjoin(ReorderPoint, IS_OF_PLACE)
)


@dataclass(frozen=True, slots=True)
class NeedRow:
    """A need. `supplier` is None for a product that has none."""

    id: UUID
    sku: str
    product_name: str
    location_id: UUID
    location_code: str
    status: NeedStatus
    units: int
    available: int
    on_order: int
    sold: int
    fill_to: int | None
    supplier_id: UUID | None
    supplier: str | None
    order_id: UUID | None
    opened_at: datetime
    ended_at: datetime | None

    @property
    def public_id(self) -> PublicId:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def order_public_id(self) -> PublicId | None:
        """The purchase order that has it; None without one."""
        return None if self.order_id is None else ids.encode("pur", self.order_id)


_NEEDS = (
    sa.select(
        RestockNeed.id,
        RestockNeed.sku,
        Product.name.label("product_name"),
        RestockNeed.location_id,
        Location.code.label("location_code"),
        RestockNeed.status,
        RestockNeed.units,
        RestockNeed.available,
        RestockNeed.on_order,
        RestockNeed.sold,
        RestockNeed.fill_to,
        Supplier.id.label("supplier_id"),
        Supplier.name.label("supplier"),
        PurchaseOrderLine.order_id,
        RestockNeed.opened_at,
        RestockNeed.ended_at,
    )
    .join(Product, Product.sku == RestockNeed.sku)
    .join(Location, Location.id == RestockNeed.location_id)
    .outerjoin(SupplierProduct, SupplierProduct.sku == RestockNeed.sku)
    .outerjoin(Supplier, sa.and_(Supplier.id == SupplierProduct.supplier_id, Supplier.is_active))
    .outerjoin(PurchaseOrderLine, PurchaseOrderLine.need_id == RestockNeed.id)
)
NEEDS = ListSource(
    NeedRow,
    _NEEDS,
    key=RestockNeed.id,
    sorts={"opened": RestockNeed.id, "sku": RestockNeed.sku},
    filters={
        "sku": lambda text: RestockNeed.sku == text.upper(),
        "location": lambda text: Location.code == text.upper(),
        "status": lambda status: RestockNeed.status == status,
    },
)


def list_shelves(session: Session, places: Sequence[StockPlace]) -> Mapping[StockPlace, ShelfState]:
    """Return what is on these shelves and on order for them, as this transaction sees it."""
    rules = current(session, RestockRules)
    found = session.select(
        lambda sku, location_id, **counts: (StockPlace(sku, location_id), ShelfState(**counts)),
        _SHELVES,
        skus=[place.sku for place in places],
        location_ids=[place.location_id for place in places],
        since=clock.now() - timedelta(days=rules.sales_days),
        multiple=rules.shelf_multiple,
    )
    return dict(found)


def get_need(session: Session, need_id: UUID) -> NeedRow:
    """Return a need. Raises `NotFound`."""
    return session.get(NeedRow, _NEEDS.where(RestockNeed.id == need_id))


def list_open_needs(session: Session, need_ids: Sequence[UUID] | None = None) -> list[NeedRow]:
    """Return the open needs, or those of them with these ids, in the order of SKU and location."""
    found = _NEEDS.where(RestockNeed.status == NeedStatus.OPEN)
    if need_ids is not None:
        found = found.where(RestockNeed.id.in_(need_ids))
    return session.select(NeedRow, found.order_by(RestockNeed.sku, Location.code))


def list_spare(session: Session, need: NeedRow) -> Sequence[tuple[str, int]]:
    """Return the locations of the same legal entity that have more units of the product than their
    own reorder point, with how many. A partner's depot sends nothing to us."""
    here = sa.select(Branch.legal_entity_id).join(Location, Location.branch_id == Branch.id)
    spare = _account.c.posted - _account.c.held - _REORDER_BELOW
    found = (
        sa.select(Location.code, sa.cast(spare, sa.BigInteger).label("units"))
        .select_from(_account)
        .join(Location, Location.id == _account.c.owner_id)
        .join(Branch, Branch.id == Location.branch_id)
        .join(Product, Product.sku == _account.c.asset)
        .outerjoin(ReorderPoint, IS_OF_PLACE)
        .where(
            _account.c.account_class == AccountClass.STOCK_AVAILABLE,
            Product.sku == need.sku,
            Location.id != need.location_id,
            Location.kind != LocationKind.DEPOT,
            Branch.legal_entity_id
            == here.where(Location.id == need.location_id).correlate(None).scalar_subquery(),
            spare > 0,
        )
        .order_by(Location.code)
    )
    return session.select(lambda code, units: (code, units), found)


def open_count(actor: Actor) -> Count | None:
    """Return the count of open needs; None for a person who does not order goods."""
    return _OPEN_COUNT if Permission.PURCHASES_ORDER in actor.permissions else None
