"""The refusals of licences."""

from app.kit.errors import Conflict


class LicenceKnown(Conflict):
    """A licence of this authority with this number was added before."""

    code = "licence_known"
    title = "A licence of this authority with this number was added before."
    field = "number"


class LicenceEnded(Conflict):
    """The licence has ended."""

    code = "licence_ended"
    title = "This licence has ended. Add the new one."
