"""Refusals of lists."""

from app.kit.errors import Conflict


class ViewNameTaken(Conflict):
    """The person already has a view of this list with this name."""

    code = "view_name_taken"
    title = "You already have a view with this name. Enter another name."


class TooManyViews(Conflict):
    """The person has as many views of this list as can be kept."""

    code = "too_many_views"
    title = "You have saved as many views of this list as can be kept. Delete one first."
