"""Refusals of the books. The database raises the first two; this module names them."""

from app.kit.db import register_refusal
from app.kit.errors import Conflict


class PeriodClosed(Conflict):
    """The entry is dated in a closed period, and is no adjusting entry."""

    code = "period_closed"
    title = "This period of the books is closed. An adjusting entry may be dated in it."


class ClosedAlready(Conflict):
    """The books are closed until this day, or a later one."""

    code = "period_closed_already"
    title = "The books are closed until this day already. Choose a later one."
    field = "until"


class NothingClosed(Conflict):
    """No period is closed, so none can be reopened."""

    code = "no_period_closed"
    title = "No period is closed."


register_refusal("period_is_open", lambda _detail: PeriodClosed())
register_refusal("book_closings_in_force_idx", lambda _detail: ClosedAlready())
