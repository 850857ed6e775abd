"""The refusals of branches."""

from app.kit.errors import Conflict


class BranchCodeTaken(Conflict):
    """Another branch has this code."""

    code = "branch_code_taken"
    title = "Another branch already has this code. Enter another code."
    field = "code"
