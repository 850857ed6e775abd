"""Refusals of tracking."""

from app.kit.errors import Conflict, NotFinished


class TrackingNumberUsed(Conflict):
    """The tracking number is that of another parcel."""

    code = "tracking_number_used"
    title = "Another parcel has this tracking number. Check the number."


class ProofNotReady(NotFinished):
    """The carrier does not have the proof of delivery yet."""
