"""What checkout refuses, by name."""

from app.kit.errors import Conflict


class RegionRestricted(Conflict):
    """Goods of the order may not be sold where they would be delivered."""

    code = "region_restricted"
    title = "These goods cannot be delivered there."


class CancelWindowClosed(Conflict):
    """The order is paid."""

    code = "cancel_window_closed"
    title = "This order can no longer be cancelled."


class AgeRestricted(Conflict):
    """The customer is younger than the people to whom a product is sold."""

    code = "age_restricted"
    title = "One of the products is not sold to people of your age."
