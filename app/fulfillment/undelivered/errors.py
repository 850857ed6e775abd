"""The refusals of parcels that do not arrive."""

from app.kit.errors import Conflict


class ParcelDelivered(Conflict):
    """The carrier has proof that the customer has the parcel."""

    code = "parcel_delivered"
    title = "The carrier says that the customer has this parcel: it did not come back."


class ParcelNotLost(Conflict):
    """The carrier does not say that the parcel is lost or damaged."""

    code = "parcel_not_lost"
    title = "The carrier does not say that this parcel is lost or damaged. Ask it to search first."


class BarNotReplaceable(Conflict):
    """The goods are bars with serials: the customer owns these and no others."""

    code = "bar_not_replaceable"
    title = "A bar with a serial cannot be replaced by another one. Give back what it cost."


class NothingToGiveBack(Conflict):
    """What these goods cost was given back before."""

    code = "nothing_to_give_back"
    title = "What these goods cost was given back before, or the rest is still being packed."
