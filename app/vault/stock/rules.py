"""States of units, levels of stock, and from which shelves units are taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.ledger.chart import AccountClass


class StockLevel(StatusEnum):
    """Whether as many units are available at a location as should be."""

    ENOUGH = "enough", "Enough", Mark.DONE
    """As many as should be."""
    LOW = "low", "Low", Mark.BELOW
    """Fewer than should be."""
    CRITICAL = "critical", "Out of stock", Mark.PROBLEM
    """Not one unit is available."""


def level_of(available: int, reorder_below: int) -> StockLevel:
    """Return the level of units that are available where fewer than `reorder_below` are low."""
    if available >= reorder_below:
        return StockLevel.ENOUGH
    return StockLevel.LOW if available > 0 else StockLevel.CRITICAL


class StockState(LabelledEnum):
    """The state of units at a location: the class of the account that counts them."""

    AVAILABLE = "available", "Available"
    """For sale."""
    QUARANTINE = "quarantine", "Quarantine"
    """To be examined."""
    IN_TRANSIT = "in_transit", "In transit"
    """On their way to another location."""
    ALLOCATED = "allocated", "Allocated"
    """A customer's, on the shelf."""
    PICKED = "picked", "Picked"
    """A customer's, packed to go out."""
    SHIPPED = "shipped", "Shipped"
    """A customer's, on their way to them."""

    @property
    def account_class(self) -> AccountClass:
        """The class of the account that counts the units."""
        return AccountClass(f"stock.{self.value}")


@dataclass(frozen=True, slots=True)
class Shelf:
    """Units of a product that are free at a location, with its code."""

    location_id: UUID
    code: str
    free: int


def take_from_shelves(shelves: Sequence[Shelf], quantity: int) -> list[tuple[UUID, int]]:
    """Return from where so many units are taken: the fullest shelves first, so that an order comes
    from few places. Returns fewer units where there are not so many."""
    taken = []
    for shelf in sorted(shelves, key=lambda shelf: (-shelf.free, shelf.code)):
        units = min(shelf.free, quantity)
        if units <= 0:
            break
        taken.append((shelf.location_id, units))
        quantity -= units
    return taken
