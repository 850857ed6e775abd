"""What acts on orders refuse, by name."""

from app.kit.errors import Conflict


class OwnOrder(Conflict):
    """Members of staff cannot decide about an order of their own, from when they were a
    customer."""

    code = "own_order"
    title = "This order is yours. Another member of staff must decide it."
