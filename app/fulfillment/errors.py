"""What is refused of goods on their way, whatever they are fulfilled for."""

from app.kit.errors import Conflict


class CancelWindowClosed(Conflict):
    """It is past the moment until which its customer may cancel it."""

    code = "cancel_window_closed"
    title = "This can no longer be cancelled."
