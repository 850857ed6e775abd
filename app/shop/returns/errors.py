"""What returns refuse, by name."""

from app.kit.errors import Conflict


class ReturnWindowClosed(Conflict):
    """The goods are not delivered, or the time for returning them is over."""

    code = "return_window_closed"
    title = "These goods cannot be returned: they are not delivered, or the time for it is over."


class ReturnMovedOn(Conflict):
    """The return is in another status than the act needs."""

    code = "return_moved_on"
    title = "The return has moved on. Look at it again."


class PhotoMissing(Conflict):
    """An inspection is recorded with photos."""

    code = "photo_missing"
    title = "Add a photo of the goods first."


class PhotosFull(Conflict):
    """The return has as many photos as it can have."""

    code = "photos_full"
    title = "The return has as many photos as it can have."
    field = "file"


class NotAsSold(Conflict):
    """An inspection found goods that are not as they were sold."""

    code = "not_as_sold"
    title = "These goods are not as they were sold: they can only go back to the customer."
