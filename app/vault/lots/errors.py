"""The refusals of lots."""

from app.kit.errors import Conflict


class InsufficientStock(Conflict):
    """Fewer units are at the location than the act takes."""

    code = "insufficient_stock"
    title = "There are not enough units at this location. Enter fewer, or choose another location."
