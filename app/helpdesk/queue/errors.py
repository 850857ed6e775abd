"""Refusals of the queue."""

from app.kit.errors import Conflict


class AlreadyClaimed(Conflict):
    """A colleague works on it. They, or any colleague, can hand it over."""

    code = "already_claimed"
    title = "A colleague works on this already."


class NotEndedByHand(Conflict):
    """The work leaves the queue when it is decided, and not before."""

    code = "not_ended_by_hand"
    title = "Decide it on its own page. Then it leaves the queue."
