"""The refusals of the search."""

from app.kit.errors import Conflict


class SynonymKnown(Conflict):
    """The search has this synonym already."""

    code = "synonym_known"
    title = "The search has this synonym already. Enter another one."
    field = "phrase"
