"""What checkout refuses, by name."""

from app.kit.errors import Conflict


class OrderNotOnHold(Conflict):
    """The order is not on hold, or no longer."""

    code = "order_not_on_hold"
    title = "This order is not on hold."


class ScreeningUndecided(Conflict):
    """A hit of the recipient or the customer on the sanctions list is not decided."""

    code = "screening_undecided"
    title = "Decide the sanctions case of this order first."
