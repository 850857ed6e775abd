"""What refunds refuse, by name."""

from app.kit.errors import Conflict


class OrderNotRefundable(Conflict):
    """The order is not paid, is being packed, or has ended."""

    code = "order_not_refundable"
    title = "This order cannot be refunded now: it is not paid, is being packed, or has ended."
