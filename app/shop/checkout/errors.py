"""What checkout refuses, by name."""

from app.kit.errors import Conflict


class CancelWindowClosed(Conflict):
    """The order is paid."""

    code = "cancel_window_closed"
    title = "This order can no longer be cancelled."
