"""The refusals of tills."""

from app.kit.errors import Conflict


class TillCodeTaken(Conflict):
    """Another till of the branch that is in use has this code."""

    code = "till_code_taken"
    title = "Another till of the branch already has this code. Enter another code."
    field = "code"


class TillClosed(Conflict):
    """The till is closed already."""

    code = "till_closed"
    title = "This till is closed already."
