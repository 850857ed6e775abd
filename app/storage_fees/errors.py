"""Refusals of storage fees."""

from app.kit.errors import Conflict, PermissionDenied


class AlreadyWaived(Conflict):
    """A storage fee is waived once."""

    code = "already_waived"
    title = "This storage fee is already waived."


class OwnStorageFee(PermissionDenied):
    """Members of staff cannot waive a fee of their own, from when they were a customer."""

    title = "This storage fee is yours. Another member of staff must waive it."
