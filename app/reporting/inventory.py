"""What the goods of the vault cost, and what their metal is worth now."""

from dataclasses import dataclass
from datetime import datetime

from app.catalog.rules import USD, Metal
from app.kit import clock
from app.kit.db import Session
from app.kit.money import Amount
from app.pricing import queries as pricing_queries
from app.vault.inventory import queries as inventory_queries
from app.vault.inventory.queries import MetalTotal
from app.vault.lots.rules import metal_value


@dataclass(frozen=True, slots=True)
class MetalInventory:
    """The goods of one metal that are ours. `value` is that of their metal at its mid price; None
    without a price."""

    metal: Metal
    units: int
    ounces: Amount
    cost: Amount
    value: Amount | None


@dataclass(frozen=True, slots=True)
class InventorySummary:
    """The goods of every metal at one moment, in the catalogue's order."""

    as_of: datetime
    metals: list[MetalInventory]

    @property
    def total_cost(self) -> Amount:
        """What all goods cost."""
        return Amount(USD, sum(metal.cost.units for metal in self.metals))

    @property
    def total_value(self) -> Amount | None:
        """What their metal is worth; None while a metal with goods has no price."""
        cents = 0
        for metal in self.metals:
            if metal.value is None and metal.units:
                return None
            cents += metal.value.units if metal.value else 0
        return Amount(USD, cents)


def summarize_inventory(session: Session) -> InventorySummary:
    """Return what is ours of each metal. Call it on a snapshot for figures of one moment."""
    now = clock.now()
    mids = {price.metal: price.mid for price in pricing_queries.market_prices(session, Metal)}

    def summarize(total: MetalTotal) -> MetalInventory:
        mid = mids.get(total.metal)
        value = metal_value(total.ounces, mid) if mid is not None else None
        return MetalInventory(total.metal, total.units, total.ounces, total.cost, value)

    return InventorySummary(
        now, [summarize(e) for e in inventory_queries.list_metal_totals(session)]
    )
