"""The refusals of locations."""

from app.kit.errors import Conflict


class LocationCodeTaken(Conflict):
    """Another location has this code."""

    code = "location_code_taken"
    title = "Another location already has this code. Enter another code."
    field = "code"
