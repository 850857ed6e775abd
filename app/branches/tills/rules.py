"""The status of a till."""

from app.kit.labels import Mark, StatusEnum


class TillStatus(StatusEnum):
    """Whether a till is in use."""

    OPEN = "open", "In use", Mark.DONE
    CLOSED = "closed", "Closed", Mark.ENDED
