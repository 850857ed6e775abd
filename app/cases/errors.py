"""Refusals of cases."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, PermissionDenied


class CaseClosed(Conflict):
    """The case is closed. Nothing can be added unless it is reopened."""

    code = "case_closed"
    title = "This case is closed. Reopen it to continue."


class CaseOpen(Conflict):
    """The case is open, or another case about the same is."""

    code = "case_open"
    title = "A case about this is already open."


class OwnCase(PermissionDenied):
    """Members of staff cannot work on a case about themselves."""

    code = "own_case"
    title = "This case is about you. Another member of staff must investigate it."


register_refusal("cases_one_open_key", lambda _detail: CaseOpen())
