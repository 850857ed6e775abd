"""The refusals of drawers."""

from app.kit.errors import Conflict


class NoOpenDrawer(Conflict):
    """The teller has no open drawer."""

    code = "no_open_drawer"
    title = "You have no open drawer. Open one first."


class DrawerOpen(Conflict):
    """The teller has a drawer that is not closed yet."""

    code = "drawer_open"
    title = "You have a drawer that is not closed yet. Close it first."


class TillInUse(Conflict):
    """The till has a drawer that is not closed yet."""

    code = "till_in_use"
    title = "This till has a drawer that is not closed yet."


class TooFewPieces(Conflict):
    """The drawer or the safe does not hold these notes and coins."""

    code = "too_few_pieces"
    title = "There are fewer of these notes and coins. Choose others, or get some from the safe."


class DrawerClosed(Conflict):
    """The drawer is closed."""

    code = "drawer_closed"
    title = "This drawer is closed already."


class SecondPersonMissing(Conflict):
    """The act takes a second person."""

    code = "second_person_missing"
    title = "This takes a second person: another teller of the branch has to confirm it."
