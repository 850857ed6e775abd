"""What cases refuse."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict, PermissionDenied


class CaseClosed(Conflict):
    """The case was closed already: nothing is added to it unless it is opened again."""

    code = "case_closed"
    title = "This case was closed already. Open it again to go on with it"


class CaseOpen(Conflict):
    """The case is open, or another about the same is."""

    code = "case_open"
    title = "There is an open case about this already"


class OwnCase(PermissionDenied):
    """Nobody looks into what is about themselves."""

    code = "own_case"
    title = "This case is about you: somebody else has to look into it"


register_refusal("cases_one_open_key", lambda _detail: CaseOpen())
