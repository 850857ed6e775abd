"""The refusals of counts."""

from app.kit.errors import Conflict


class CountUnderway(Conflict):
    """Another count of this location has not ended."""

    code = "count_underway"
    title = "A count of this location has not ended. End it first, its variance included."
    field = "location"


class CountEnded(Conflict):
    """The count was submitted or cancelled before."""

    code = "count_ended"
    title = "This count was submitted or cancelled before. Reload the page."


class NothingCounted(Conflict):
    """The count has no lines."""

    code = "nothing_counted"
    title = "Enter what you counted before you submit the count. Zero counts, too."


class OwnVariance(Conflict):
    """Who counted does not decide about the variance."""

    code = "own_variance"
    title = "Another person must decide about this variance: you took part in the count."


class VarianceNotBooked(Conflict):
    """The case says that the variance is booked, and it is not."""

    code = "variance_not_booked"
    title = "The variance is not booked yet. Request the booking on the page of the count."


class SerialsNotCounted(Conflict):
    """The variance is of a product with serials, and a count does not say of which bars."""

    code = "serials_not_counted"
    title = (
        "The variance has bars with serials, and a count does not say which ones. Adjust them by"
        " serial on the page Adjustments, end this count as wrong, and count again."
    )
