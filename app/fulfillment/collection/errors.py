"""The refusals of handing goods over."""

from app.kit.errors import Conflict


class CollectionCodeWrong(Conflict):
    """The code is not that of the shipment, or is too old."""

    code = "collection_code_wrong"
    title = "The code is wrong or too old. Check it, or send the customer a new one."
    field = "code"


class CollectionCodeBlocked(Conflict):
    """Too many wrong codes were entered."""

    code = "collection_code_blocked"
    title = "Too many wrong codes were entered. Send the customer a new one."
    field = "code"
