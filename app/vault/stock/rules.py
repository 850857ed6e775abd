"""States of units, and levels of stock."""

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
