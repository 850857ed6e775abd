"""The refusals of customers' cash."""

from app.kit.errors import Conflict, PermissionDenied


class CustomerOnHold(Conflict):
    """The customer is not cleared, or is a listed party."""

    code = "customer_on_hold"
    title = "Take no cash and pay none out. Ask the customer to come back, and give no reason."


class OwnCash(PermissionDenied):
    """A teller does not serve themselves."""

    code = "own_cash"
    title = "This is you. A colleague has to serve you."
