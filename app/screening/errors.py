"""Refusals of screening."""

from app.kit.errors import Conflict, Unavailable


class NoSanctionsList(Unavailable):
    """No sanctions list has been imported, so no one can be cleared."""

    code = "sanctions_list_missing"
    title = "There is no sanctions list yet. Import one: flask sanctions import DIR."
    retry_after_seconds = 300


class RecipientBlocked(Conflict):
    """Compliance decided that nothing may be delivered to the recipient."""

    code = "delivery_refused"
    title = "We cannot deliver to this recipient."


class ImportRunning(Conflict):
    """Another import is running."""

    code = "sanctions_import_running"
    title = "Another list is being imported. Try again later."


class ListShrank(Conflict):
    """The list has far fewer entries than the one before: the files may be incomplete."""

    code = "sanctions_list_shrank"
    title = "The list has far fewer entries than the current list."


class InvalidList(Exception):
    """A file of a list is invalid. Names file, line and problem. Nothing was changed."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}, line {line}: {problem}")
