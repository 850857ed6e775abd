"""The refusals of transfers of goods."""

from app.kit.errors import Conflict


class StockTransferEnded(Conflict):
    """The transfer is not in a status in which this is possible."""

    code = "stock_transfer_ended"
    title = "This is not possible any more: the transfer has ended. Reload the page."


class StockTransferBegun(Conflict):
    """Part of the transfer was received."""

    code = "stock_transfer_begun"
    title = (
        "Part of this transfer has been received, so it cannot be cancelled. Receive the rest, or"
        " close it with a shortage."
    )


class OtherLegalEntity(Conflict):
    """The locations belong to different legal entities."""

    code = "other_legal_entity"
    title = (
        "These locations belong to different legal entities. Goods go from one to the other by a"
        " sale, not by a transfer."
    )
    field = "destination"
