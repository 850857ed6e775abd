"""Named reads of stock."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.branches.models import Branch
from app.catalog.products.models import Product
from app.catalog.products.rules import ProductForm
from app.catalog.rules import Metal
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.statements import any_of, compile_select
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountClass
from app.vault.locations.models import Location
from app.vault.locations.rules import RESTOCKED_KINDS
from app.vault.reorder_points.models import ReorderPoint
from app.vault.reorder_points.queries import IS_OF_PLACE, REORDER_BELOW
from app.vault.stock.rules import StockLevel, level_of


@dataclass(frozen=True, slots=True)
class StockRow:
    """The units of one product at one location, by state."""

    id: int
    sku: str
    product_name: str
    metal: Metal
    form: ProductForm
    location_id: UUID
    location_code: str
    branch_code: str
    #: For sale, and not reserved.
    available: int
    #: For sale, and reserved.
    reserved: int
    quarantine: int
    in_transit: int
    allocated: int
    picked: int
    shipped: int
    #: Zero where none need be.
    reorder_below: int

    @property
    def level(self) -> StockLevel:
        """Whether as many are available as should be."""
        return level_of(self.available, self.reorder_below)


def _stock() -> ListSource[StockRow]:
    """Return the stock by product and location, of the accounts of the ledger."""
    account = ledger_queries.GUARDED_ACCOUNTS

    def units(account_class: AccountClass, column: sa.ColumnElement[int]) -> sa.Label[int]:
        found = sa.func.sum(column).filter(account.c.account_class == account_class)
        return sa.cast(sa.func.coalesce(found, 0), sa.BigInteger).label(
            account_class.rpartition(".")[2]
        )

    free, held = account.c.posted - account.c.held, account.c.held
    available = AccountClass.STOCK_AVAILABLE
    rows = (
        sa.select(
            sa.func.min(account.c.account_id).label("id"),
            Product.sku,
            Product.name.label("product_name"),
            Product.metal,
            Product.form,
            Location.id.label("location_id"),
            Location.code.label("location_code"),
            Branch.code.label("branch_code"),
            units(available, free),
            units(available, held).label("reserved"),
            units(AccountClass.STOCK_QUARANTINE, account.c.posted),
            units(AccountClass.STOCK_IN_TRANSIT, account.c.posted),
            units(AccountClass.STOCK_ALLOCATED, account.c.posted),
            units(AccountClass.STOCK_PICKED, account.c.posted),
            units(AccountClass.STOCK_SHIPPED, account.c.posted),
            sa.case((Location.kind.in_(RESTOCKED_KINDS), REORDER_BELOW), else_=0).label(
                "reorder_below"
            ),
        )
        .join(Location, Location.id == account.c.owner_id)
        .join(Branch, Branch.id == Location.branch_id)
        .join(Product, Product.sku == account.c.asset)
        .outerjoin(ReorderPoint, IS_OF_PLACE)
        .group_by(Product.sku, Location.id, Branch.code, ReorderPoint.reorder_below)
        .subquery("stock")
    )
    return ListSource(
        StockRow,
        sa.select(rows),
        key=rows.c.id,
        sorts={"sku": rows.c.sku, "location": rows.c.location_code, "available": rows.c.available},
        filters={
            "sku": lambda text: rows.c.sku.startswith(text.upper(), autoescape=True),
            "metal": lambda metal: rows.c.metal == metal,
            "location": lambda text: rows.c.location_code == text.upper(),
            "low": lambda is_low: (rows.c.available < rows.c.reorder_below) == is_low,
        },
    )


STOCK = _stock()


#: Where goods wait for buyers. An IN could not be compiled beside parameters without values.
_FOR_BUYERS = sa.or_(*(Location.kind == kind for kind in sorted(RESTOCKED_KINDS)))


def available_units() -> sa.ScalarSelect[int]:
    """Return the units of a product that nothing reserves where goods wait for buyers, to be
    selected beside the product."""
    account = ledger_queries.GUARDED_ACCOUNTS
    free = sa.func.coalesce(sa.func.sum(account.c.posted - account.c.held), 0)
    return (
        sa.select(sa.cast(free, sa.BigInteger))
        .join_from(Location, account, account.c.owner_id == Location.id)
        .where(
            account.c.account_class == AccountClass.STOCK_AVAILABLE,
            account.c.asset == Product.sku,
            _FOR_BUYERS,
        )
        .correlate(Product)
        .scalar_subquery()
    )


#: The states of units that are at their location: all but those on their way.
_PRESENT = (
    AccountClass.STOCK_AVAILABLE,
    AccountClass.STOCK_QUARANTINE,
    AccountClass.STOCK_ALLOCATED,
    AccountClass.STOCK_PICKED,
)


@dataclass(frozen=True, slots=True)
class _PresentUnits:
    sku: str
    units: int


def present_units(
    session: Session, location_id: UUID, skus: Collection[str] | None = None
) -> dict[str, int]:
    """Return the units that the ledger has at a location by SKU, of these SKUs or of all, in
    whatever state but on their way.

    One statement reads all states, so a unit that changes its state meanwhile is counted once.
    """
    account = ledger_queries.GUARDED_ACCOUNTS
    units = sa.cast(sa.func.sum(account.c.posted), sa.BigInteger).label("units")
    found = (
        sa.select(account.c.asset.label("sku"), units)
        .where(account.c.owner_id == location_id, account.c.account_class.in_(_PRESENT))
        .group_by(account.c.asset)
        .having(sa.func.sum(account.c.posted) > 0)
    )
    if skus is not None:
        found = found.where(account.c.asset.in_(skus))
    return {row.sku: row.units for row in session.select(_PresentUnits, found)}


@dataclass(frozen=True, slots=True)
class FreeUnits:
    """Units of a product for sale at a location, which nothing reserves."""

    sku: str
    location_id: UUID
    location_code: str
    units: int


_account = ledger_queries.GUARDED_ACCOUNTS
_free = _account.c.posted - _account.c.held
_branch_id = sa.bindparam("branch_id", type_=sa.Uuid())
_FREE_UNITS = compile_select(
    sa.select(
        _account.c.asset.label("sku"),
        Location.id.label("location_id"),
        Location.code.label("location_code"),
        sa.cast(_free, sa.BigInteger).label("units"),
    )
    .join(Location, Location.id == _account.c.owner_id)
    .where(
        _account.c.account_class == AccountClass.STOCK_AVAILABLE,
        _account.c.asset == any_of("skus", sa.Text),
        _FOR_BUYERS,
        _free > 0,
        sa.or_(_branch_id.is_(None), Location.branch_id == _branch_id),
    )
    .order_by(_account.c.asset, Location.id)
)


def list_free_units(
    session: Session, skus: Collection[str], branch_id: UUID | None = None
) -> list[FreeUnits]:
    """Return the units of these products that are free where goods wait for buyers, at one branch
    or at all, in order of SKU and location."""
    return session.select(FreeUnits, _FREE_UNITS, skus=list(skus), branch_id=branch_id)
