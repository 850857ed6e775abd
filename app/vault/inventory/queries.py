"""Named reads of inventory."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.products.rules import ProductForm
from app.catalog.rules import SYNTHETIC, USD, Metal
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount, Rounding, divide
from app.vault.lots.models import Lot, LotStock
from app.vault.stock import rules as stock_rules
from app.vault.stock.queries import STOCK
from app.vault.stock.rules import StockLevel

#: Cents: what the metal of the units that are left of a lot cost, to the cent, and their premium.
_METAL_USD = sa.cast(
    sa.func.round(sa.cast(Lot.metal_usd, sa.Numeric) * LotStock.units / Lot.units), sa.BigInteger
)
_COST_USD = _METAL_USD + LotStock.premium_usd


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """The units of one product at one location that are for sale."""

    id: int
    sku: str
    metal: Metal
    form: ProductForm
    location_code: str
    location_id: UUID
    available: int
    reserved: int
    reorder_below: int
    #: The units of ours at the location in any state, and what they cost in cents.
    units: int
    cost_usd: int

    @property
    def unit_cost(self) -> Amount | None:
        """What a unit cost on average, to the cent; None where no unit is left."""
        if not self.units:
            return None
        return Amount(USD, divide(self.cost_usd, self.units, Rounding.HALF_UP))

    @property
    def level(self) -> StockLevel:
        """Whether as many units are available as should be."""
        return stock_rules.level_of(self.available, self.reorder_below)


@dataclass(frozen=True, slots=True)
class MetalTotal:
    """The goods of one metal that are ours, over all locations."""

    metal: Metal
    units: int
    ounces_units: int
    cost_usd: int

    @property
    def ounces(self) -> Amount:
        """Their accounted ounces."""
        return Amount(SYNTHETIC[self.metal], self.ounces_units)

    @property
    def cost(self) -> Amount:
        """What they cost, metal and premium."""
        return Amount(USD, self.cost_usd)


def _inventory() -> ListSource[InventoryRow]:
    stock = STOCK.select.subquery("inventory")
    left = (
        sa.select(
            _total(LotStock.units).label("units"),
            _total(_COST_USD).label("cost_usd"),
        )
        .join(Lot, Lot.id == LotStock.lot_id)
        .where(
            LotStock.location_id == stock.c.location_id,
            LotStock.sku == stock.c.sku,
            LotStock.units > 0,
        )
        .lateral("left_of_lots")
    )
    columns = (
        "id", "sku", "metal", "form", "location_code", "location_id", "available", "reserved",
        "reorder_below",
    )  # fmt: skip
    return ListSource(
        InventoryRow,
        sa.select(*(stock.c[name] for name in columns), left.c.units, left.c.cost_usd).select_from(
            stock.join(left, sa.true())
        ),
        key=stock.c.id,
        sorts={"sku": stock.c.sku},
        filters={
            "sku": lambda text: stock.c.sku == text.upper(),
            "metal": lambda metal: stock.c.metal == metal,
            "location": lambda text: stock.c.location_code == text.upper(),
            "low": lambda is_low: (stock.c.available < stock.c.reorder_below) == is_low,
        },
    )


def _total(column: sa.ColumnElement[int] | sa.orm.InstrumentedAttribute[int]) -> sa.Cast[int]:
    return sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)


INVENTORY = _inventory()
_ONE_UNIT = sa.func.div(Lot.ounces_units, Lot.units)
_TOTALS = (
    sa.select(
        Product.metal,
        _total(LotStock.units).label("units"),
        _total(_ONE_UNIT * LotStock.units).label("ounces_units"),
        _total(_COST_USD).label("cost_usd"),
    )
    .select_from(LotStock)
    .join(Lot, Lot.id == LotStock.lot_id)
    .join(Product, Product.sku == LotStock.sku)
    .where(LotStock.units > 0)
    .group_by(Product.metal)
)


def list_metal_totals(session: Session) -> Sequence[MetalTotal]:
    """Return what is ours of each metal, in the catalogue's order; metals without goods count 0."""
    found = {total.metal: total for total in session.select(MetalTotal, _TOTALS)}
    return [found.get(metal, MetalTotal(metal, 0, 0, 0)) for metal in Metal]
