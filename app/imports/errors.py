"""The refusals of imports."""

from app.kit.errors import Conflict


class ImportSettled(Conflict):
    """The import does not wait for confirmation."""

    code = "import_settled"
    title = "This import does not wait for confirmation. See its state."
