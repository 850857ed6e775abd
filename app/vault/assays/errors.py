"""The refusals of assays."""

from app.kit.errors import PermissionDenied


class OwnQuarantine(PermissionDenied):
    """The person received these units, or put them into quarantine."""

    code = "own_quarantine"
    title = "Another person must examine these units: you received them or put them here."
