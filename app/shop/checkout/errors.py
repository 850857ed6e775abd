"""What checkout refuses, by name."""

from app.fulfillment.errors import CancelWindowClosed
from app.kit.errors import Conflict

__all__ = ["CancelWindowClosed", "OrderNotOnHold", "OwnOrder", "ScreeningUndecided"]


class OrderNotOnHold(Conflict):
    """The order is not on hold, or no longer."""

    code = "order_not_on_hold"
    title = "This order is not on hold."


class ScreeningUndecided(Conflict):
    """A hit of the recipient or the customer on the sanctions list is not decided."""

    code = "screening_undecided"
    title = "Decide the sanctions case of this order first."


class OwnOrder(Conflict):
    """Members of staff cannot decide about an order of their own, from when they were a
    customer."""

    code = "own_order"
    title = "This order is yours. Another member of staff must decide it."
