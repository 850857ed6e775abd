"""What changes of orders refuse, by name."""

from app.kit.errors import Conflict


class OrderNotChangeable(Conflict):
    """The order is not paid, its goods are picked or not ours to change, or it has ended."""

    code = "order_not_changeable"
    title = "This order cannot be changed now. Until its goods are picked, a paid one can be."
