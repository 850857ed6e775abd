"""The statuses of labels."""

from app.kit.labels import Mark, StatusEnum
from app.kit.states import Transitions


class LabelStatus(StatusEnum):
    """What became of a label."""

    ORDERED = "ordered", "Ordered", Mark.UNDERWAY
    """It is being bought; the carrier may have sold it."""
    BOUGHT = "bought", "Bought", Mark.DONE
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """It costs nothing, and nothing can be sent with it."""
    REFUSED = "refused", "Refused", Mark.FAILED
    """The carrier does not sell it; `code` says why."""


LABEL_TRANSITIONS = Transitions(
    {
        LabelStatus.ORDERED: {LabelStatus.BOUGHT, LabelStatus.CANCELLED, LabelStatus.REFUSED},
        LabelStatus.BOUGHT: {LabelStatus.CANCELLED},
    }
)
