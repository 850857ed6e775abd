"""The statuses of a count, and what is entered in one."""

from app.catalog.products.rules import clean_sku
from app.kit.errors import Invalid
from app.kit.labels import Mark, StatusEnum
from app.kit.states import Transitions
from app.vault.rules import parse_units

_SKUS_MAX = 200


class CountStatus(StatusEnum):
    """The status of a count."""

    COUNTING = "counting", "Being counted", Mark.WAITING
    """Lines are entered."""
    AGREED = "agreed", "No variance", Mark.DONE
    """Submitted; the shelves agree with the books."""
    VARIANCE = "variance", "Variance", Mark.PROBLEM
    """Submitted; another person investigates the variance."""
    BOOKED = "booked", "Variance booked", Mark.DONE
    """A second person approved the variance, and it was booked."""
    DISMISSED = "dismissed", "Variance not booked", Mark.ENDED
    """The count was wrong; nothing was booked."""
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """Ended before it was submitted."""


TRANSITIONS = Transitions(
    {
        CountStatus.COUNTING: {
            CountStatus.AGREED,
            CountStatus.VARIANCE,
            CountStatus.CANCELLED,
        },
        CountStatus.VARIANCE: {CountStatus.BOOKED, CountStatus.DISMISSED},
    }
)


def parse_counted(text: str) -> int:
    """Return a number of units that were counted. Raises `Invalid` unless it is 0 to 1,000,000."""
    return parse_units("units", text, least=0)


def parse_skus(text: str) -> list[str]:
    """Return the SKUs in a text, separated by blanks or commas: sorted, each once.

    Raises `Invalid` for another form and for more than 200.
    """
    try:
        skus = sorted({clean_sku(part) for part in text.replace(",", " ").split()})
    except Invalid as refusal:
        raise Invalid("skus", refusal.message) from None
    if len(skus) > _SKUS_MAX:
        raise Invalid("skus", f"Enter at most {_SKUS_MAX} SKUs. Leave this empty to count all.")
    return skus
