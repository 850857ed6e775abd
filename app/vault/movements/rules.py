"""The words that staff read in place of an entry's cause."""

from app.kit.labels import LabelledEnum


class MovementCause(LabelledEnum):
    """Why units moved."""

    GOODS_RECEIVED = "goods_received", "Delivery received"
    GOODS_RETURNED = "goods_returned", "Returned to the supplier"
    STOCK_SENT = "stock_sent", "Sent to another location"
    STOCK_RECEIVED = "stock_received", "Received from another location"
    STOCK_RETURNED = "stock_returned", "Transfer cancelled"
    STOCK_QUARANTINED = "stock_quarantined", "Put into quarantine"
    STOCK_PASSED = "stock_passed", "Passed an assay"
    STOCK_ADJUSTED = "stock_adjusted", "Adjusted"
    GOODS_PACKED = "goods_packed", "Packed to go out"
    GOODS_SHIPPED = "goods_shipped", "Shipped"
    GOODS_DELIVERED = "goods_delivered", "Delivered"
    GOODS_CAME_BACK = "goods_came_back", "Came back undelivered"
    GOODS_LOST = "goods_lost", "Lost on the way"
    GOODS_ACCEPTED = "goods_accepted", "Came back from the customer"
    GOODS_EXCHANGED = "goods_exchanged", "Exchanged"


def label_of(cause: str | None) -> str:
    """Return the label of a cause; one without a label gets its own name as text. None is of
    an act that moved nothing."""
    if cause is None:
        return "Failed an assay"
    known = MovementCause.with_value(cause)
    return known.label if known is not None else cause.replace("_", " ").capitalize()
