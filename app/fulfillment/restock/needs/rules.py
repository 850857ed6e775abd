"""How many units a shelf needs. Pure."""

from dataclasses import dataclass

from app.kit.labels import Mark, StatusEnum
from app.kit.states import Transitions


class NeedStatus(StatusEnum):
    """The status of a need."""

    OPEN = "open", "To be ordered", Mark.WAITING
    ORDERED = "ordered", "Ordered", Mark.DONE
    """It is a line of a purchase order."""
    SENT = "sent", "Sent from another location", Mark.DONE
    CLOSED = "closed", "Not needed any more", Mark.ENDED
    """Enough units came, or became free, before it was ordered."""


_S = NeedStatus
TRANSITIONS = Transitions({_S.OPEN: {_S.ORDERED, _S.SENT, _S.CLOSED}})


@dataclass(frozen=True, slots=True)
class ShelfState:
    """A product at a location, in units. `on_order` is what was ordered or sent there and has not
    arrived; `fill_to` is the most that the shelf takes, None without a limit."""

    available: int
    #: Reserved and examined units included.
    on_hand: int
    on_order: int
    sold: int
    reorder_below: int
    fill_to: int | None

    @property
    def room(self) -> int | None:
        """How many units may still be ordered; None without a limit."""
        return None if self.fill_to is None else max(0, self.fill_to - self.on_hand - self.on_order)


def suggest_units(shelf: ShelfState, *, sales_days: int, cover_days: int) -> int:
    """Return how many units to order, so that the shelf covers the sales of `cover_days` at the
    pace of the last `sales_days`, and is not low. It is never filled beyond its limit, and what is
    on order counts as if it were there. Sold and covered units are rounded up.
    """
    cover = -(-shelf.sold * cover_days // sales_days)
    wanted = max(cover, shelf.reorder_below) - shelf.available - shelf.on_order
    return max(0, wanted if shelf.room is None else min(wanted, shelf.room))
