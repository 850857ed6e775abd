"""Statuses of claims. Pure."""

from app.kit.labels import Mark, StatusEnum
from app.kit.states import Transitions

#: The prefix of a claim's public id: what references of its entries begin with.
PREFIX = "clm"


class ClaimStatus(StatusEnum):
    """What became of a claim."""

    FILED = "filed", "Filed", Mark.WAITING
    """The carrier decides it. Its amount is owed to us in the books."""
    PAID = "paid", "Paid", Mark.DONE
    """The carrier paid all or a part of it; the rest is our loss."""
    REFUSED = "refused", "Refused", Mark.FAILED
    """The carrier pays nothing: all of it is our loss."""


TRANSITIONS = Transitions({ClaimStatus.FILED: {ClaimStatus.PAID, ClaimStatus.REFUSED}})
