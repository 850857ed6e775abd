"""The statuses of what a partner sends for us."""

from app.kit.labels import Mark, StatusEnum


class PartnerStatus(StatusEnum):
    """What a partner has done with an order of ours. Where its parcels are then, their carriers
    say."""

    RECEIVED = "received", "Received", Mark.WAITING
    PROCESSING = "processing", "Being packed", Mark.UNDERWAY
    WITHDRAWING = "withdrawing", "Being withdrawn", Mark.UNDERWAY
    """We want to send it ourselves, once the partner has cancelled it."""
    SHIPPED = "shipped", "Shipped", Mark.DONE
    """Its parcels have tracking numbers."""
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """As we asked."""
    REJECTED = "rejected", "Rejected", Mark.FAILED
    """The partner will not send it: nothing left its depot."""

    @property
    def is_final(self) -> bool:
        """Whether the partner is done with the order."""
        return self in {PartnerStatus.SHIPPED, PartnerStatus.CANCELLED, PartnerStatus.REJECTED}
