"""Drawers: their float, what goes to the safe, the bank and other tills, and who may do it."""

import pytest

from app.access import Role
from app.branches.tills.errors import TillClosed
from app.catalog.rules import USD
from app.counter.drawers import queries
from app.counter.drawers import service as drawers
from app.counter.drawers.errors import (
    DrawerOpen,
    NoOpenDrawer,
    SecondPersonMissing,
    TillInUse,
    TooFewPieces,
)
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.ledger import chart
from app.ledger import queries as ledger_queries
from tests.counter.tills import SAFE, Branch, cash
from tests.people import People


@pytest.fixture
def branch(people: People) -> Branch:
    return Branch.with_cash(people)


def test_float_comes_out_of_the_safe_note_by_note(branch: Branch) -> None:
    drawer_id = branch.open_drawer(pieces=cash(usd_2000=5, usd_100=20))
    assert branch.pieces(drawer_id) == cash(usd_2000=5, usd_100=20)
    assert branch.safe() == SAFE - cash(usd_2000=5, usd_100=20)
    with branch.database.reading() as session:
        till = chart.till_cash(USD, branch.drawer(drawer_id).till_id)
        assert ledger_queries.account_balance(session, till) == 120_00
        safe = chart.branch_cash(USD, branch.id)
        assert ledger_queries.account_balance(session, safe) == SAFE.amount.units - 120_00


def test_safe_gives_no_notes_that_it_lacks_though_it_has_the_sum(branch: Branch) -> None:
    with pytest.raises(TooFewPieces):
        branch.open_drawer(pieces=cash(usd_5000=1))
    assert branch.safe() == SAFE


def test_teller_has_one_drawer(branch: Branch) -> None:
    branch.open_drawer()
    with pytest.raises(DrawerOpen):
        branch.open_drawer()


def test_till_has_one_drawer_and_cannot_be_closed_meanwhile(branch: Branch, people: People) -> None:
    till_id = branch.open_till()
    other, admin = branch.hire(), people.staff(Role.ADMIN)
    with branch.database.transaction() as session:
        drawers.open_drawer(session, branch.teller, till_id, cash(usd_100=1))
    with pytest.raises(TillInUse), branch.database.transaction() as session:
        drawers.open_drawer(session, other, till_id, cash(usd_100=1))
    with pytest.raises(TillInUse), branch.database.transaction() as session:
        drawers.close_till(session, admin, branch.id, till_id)


def test_drawer_is_opened_at_an_open_till_of_the_own_branch(branch: Branch, people: People) -> None:
    elsewhere = Branch.with_cash(people).open_till()
    with pytest.raises(NotFound), branch.database.transaction() as session:
        drawers.open_drawer(session, branch.teller, elsewhere, cash(usd_100=1))
    closed = branch.open_till()
    with branch.database.transaction() as session:
        drawers.close_till(session, people.staff(Role.ADMIN), branch.id, closed)
    with pytest.raises(TillClosed), branch.database.transaction() as session:
        drawers.open_drawer(session, branch.teller, closed, cash(usd_100=1))


def test_cash_goes_to_the_safe_and_comes_from_it(branch: Branch) -> None:
    drawer_id = branch.open_drawer(pieces=cash(usd_2000=5))
    with branch.database.transaction() as session:
        drawers.drop(session, branch.teller, cash(usd_2000=4))
        drawers.refill(session, branch.teller, cash(usd_500=10, usd_1=100))
    assert branch.pieces(drawer_id) == cash(usd_2000=1, usd_500=10, usd_1=100)
    assert branch.safe() == SAFE - branch.pieces(drawer_id)
    with pytest.raises(Invalid), branch.database.transaction() as session:
        drawers.drop(session, branch.teller, cash())


def test_nothing_moves_without_an_open_drawer(branch: Branch) -> None:
    with pytest.raises(NoOpenDrawer), branch.database.transaction() as session:
        drawers.drop(session, branch.teller, cash(usd_100=1))


def test_cash_is_handed_over_between_tellers_of_a_branch(branch: Branch, people: People) -> None:
    other = branch.hire()
    own, theirs = branch.open_drawer(), branch.open_drawer(other)
    with branch.database.transaction() as session:
        drawers.hand_over(
            session, branch.teller, theirs, cash(usd_2000=3), witness_id=other.user_id
        )
    assert branch.pieces(own) == cash(usd_2000=5, usd_500=6, usd_100=10)
    assert branch.pieces(theirs) == cash(usd_2000=11, usd_500=6, usd_100=10)
    with pytest.raises(SecondPersonMissing), branch.database.transaction() as session:
        drawers.hand_over(
            session, branch.teller, theirs, cash(usd_100=1), witness_id=branch.hire().user_id
        )
    elsewhere = Branch.with_cash(people)
    away = elsewhere.open_drawer()
    with pytest.raises(NotFound), branch.database.transaction() as session:
        drawers.hand_over(
            session, branch.teller, away, cash(usd_100=1), witness_id=elsewhere.teller.user_id
        )


def test_bank_collects_what_two_people_count(branch: Branch) -> None:
    with branch.database.reading() as session:
        before = ledger_queries.account_balance(session, chart.bank(USD, drawers.BANK))
    with branch.database.transaction() as session:
        drawers.send_to_bank(
            session, branch.teller, branch.id, cash(usd_10000=90), witness_id=branch.hire().user_id
        )
    assert branch.safe() == SAFE - cash(usd_10000=90)
    with branch.database.reading() as session:
        after = ledger_queries.account_balance(session, chart.bank(USD, drawers.BANK))
    assert after - before == 9000_00
    with pytest.raises(SecondPersonMissing), branch.database.transaction() as session:
        drawers.send_to_bank(
            session, branch.teller, branch.id, cash(usd_100=1), witness_id=branch.teller.user_id
        )


def test_drawers_are_of_tellers_and_seen_at_their_branch_only(
    branch: Branch, people: People
) -> None:
    drawer_id, stranger = branch.open_drawer(), Branch.with_cash(people).teller
    with branch.database.reading() as session:
        assert queries.get_drawer(session, people.staff(Role.AUDITOR), drawer_id).id == drawer_id
        with pytest.raises(NotFound):
            queries.get_drawer(session, stranger, drawer_id)
    till_id = branch.open_till()
    for role, refusal in ((Role.ADMIN, NotFound), (Role.COMPLIANCE, PermissionDenied)):
        with pytest.raises(refusal), branch.database.transaction() as session:
            drawers.open_drawer(session, people.staff(role), till_id, cash())
