"""What screening refuses."""

from app.kit.errors import Conflict, Unavailable


class NoSanctionsList(Unavailable):
    """No sanctions list was ever imported, so nobody can be said to be clear."""

    code = "sanctions_list_missing"
    title = "There is no sanctions list yet. Import one: flask sanctions import DIR"
    retry_after_seconds = 300


class ImportRunning(Conflict):
    """Another import is under way."""

    code = "sanctions_import_running"
    title = "Another list is being imported at this moment"


class ListShrank(Conflict):
    """The list has far fewer entries than the one before: the files may have been cut off."""

    code = "sanctions_list_shrank"
    title = "The list has far fewer entries than the one before"


class InvalidList(Exception):
    """A file of a list cannot be read; says which, in which line, and why. Nothing was changed."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}, line {line}: {problem}")
