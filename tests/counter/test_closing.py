"""A drawer is counted without sight of the books; a large variance takes a second person."""

import psycopg
import pytest

from app.access import Actor
from app.counter.drawers import closing, queries
from app.counter.drawers import service as drawers
from app.counter.drawers.errors import NoOpenDrawer, SecondPersonMissing, TillInUse
from app.counter.drawers.models import Drawer
from app.counter.drawers.rules import CashMovementKind, CashPieces, DrawerStatus
from tests.counter.tills import SAFE, Branch, cash
from tests.people import People
from tests.rows import change_rows

FLOAT = cash(usd_2000=8, usd_500=6, usd_100=10)


@pytest.fixture
def branch(people: People) -> Branch:
    return Branch.with_cash(people)


def test_count_that_agrees_closes_the_drawer_into_the_safe(branch: Branch) -> None:
    drawer_id = branch.open_drawer()
    assert branch.count(FLOAT) is DrawerStatus.CLOSED
    drawer = branch.drawer(drawer_id)
    assert drawer.variance is not None
    assert (drawer.number, drawer.variance.units, branch.over_short()) == (1, 0, 0)
    assert (branch.safe(), branch.pieces(drawer_id)) == (SAFE, cash())


def test_reports_are_numbered_without_gaps_in_a_branch(branch: Branch, people: People) -> None:
    other = Branch.with_cash(people)
    for place, number in ((branch, 1), (other, 1), (branch, 2)):
        drawer_id = place.open_drawer()
        place.count(FLOAT)
        assert place.drawer(drawer_id).number == number


@pytest.mark.parametrize(
    ("found", "short"),
    [
        (FLOAT - cash(usd_100=9), 9_00),
        (FLOAT + cash(usd_100=9), -9_00),
        # Notes of another kind, of the same sum.
        (FLOAT - cash(usd_500=1) + cash(usd_100=5), 0),
    ],
    ids=["short", "over", "changed"],
)
def test_small_variance_is_booked_at_once(branch: Branch, found: CashPieces, short: int) -> None:
    branch.open_drawer()
    assert branch.count(found) is DrawerStatus.CLOSED
    assert branch.over_short() == short
    assert branch.safe() == SAFE - FLOAT + found


def test_large_variance_waits_for_a_second_person(branch: Branch) -> None:
    drawer_id, found = branch.open_drawer(), FLOAT - cash(usd_2000=1)
    assert branch.count(found) is DrawerStatus.COUNTED
    assert branch.over_short() == 0
    with pytest.raises(NoOpenDrawer), branch.database.transaction() as session:
        drawers.drop(session, branch.teller, cash(usd_100=1))
    till_id, other = branch.drawer(drawer_id).till_id, branch.hire()
    with pytest.raises(TillInUse), branch.database.transaction() as session:
        drawers.open_drawer(session, other, till_id, cash(usd_100=1))
    with pytest.raises(SecondPersonMissing):
        settle(branch, branch.teller)
    settle(branch, other)
    drawer = branch.drawer(drawer_id)
    assert drawer.variance is not None
    assert (drawer.status, drawer.variance.units) == (DrawerStatus.CLOSED, -20_00)
    assert (branch.over_short(), branch.safe()) == (20_00, SAFE - FLOAT + found)


def test_second_count_replaces_the_first(branch: Branch) -> None:
    branch.open_drawer()
    branch.count(FLOAT - cash(usd_2000=1))
    assert branch.count(FLOAT) is DrawerStatus.CLOSED
    assert branch.over_short() == 0
    for act in (lambda: branch.count(FLOAT), lambda: settle(branch, branch.hire())):
        with pytest.raises(NoOpenDrawer):
            act()


def test_report_adds_up_and_is_not_changed(branch: Branch) -> None:
    drawer_id = branch.open_drawer()
    with branch.database.transaction() as session:
        drawers.drop(session, branch.teller, cash(usd_2000=2))
    branch.count(FLOAT - cash(usd_2000=2, usd_100=1))
    with branch.database.reading() as session:
        totals = queries.list_totals(session, drawer_id)
    sums = {each.kind: each.received.units - each.paid.units for each in totals}
    assert sums == {
        CashMovementKind.FLOAT: 200_00,
        CashMovementKind.DROP: -40_00,
        CashMovementKind.VARIANCE: -1_00,
        CashMovementKind.CLOSE: -159_00,
    }
    with pytest.raises(psycopg.Error), branch.database.transaction() as session:
        change_rows(session, Drawer, Drawer.id == drawer_id, number=7)


def settle(branch: Branch, colleague: Actor) -> None:
    """Close the drawer with its variance."""
    with branch.database.transaction() as session:
        closing.settle_variance(session, branch.teller, witness_id=colleague.user_id)
