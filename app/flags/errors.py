"""Refusals of feature flags."""

from app.kit.errors import Conflict


class FlagUnchanged(Conflict):
    """The feature already has this cohort."""

    code = "flag_unchanged"
    title = "Exactly these people have this feature already. Enter another share or other people."
    field = "share"
