"""`flask books verify` finds drawers and safes that disagree with the ledger, past every guard."""

import pytest
from flask import Flask

from app.reconciliation.invariants import CASH_INVARIANTS
from tests.broken_books import break_books, verified
from tests.counter.tills import Branch
from tests.people import People
from tests.superuser import require_superuser

#: Each invariant's name with statements that break it.
BREAKS = {
    "a movement of cash is what its entry moved": [
        "DELETE FROM cash_movements WHERE kind = 'delivery'",
        "DELETE FROM cash_movements WHERE kind = 'float' AND drawer_id IS NULL",
        "UPDATE cash_movements SET reference = 'csh_other' WHERE kind = 'float'",
    ],
    "a drawer or a safe holds what its movements left there": [
        "UPDATE drawers SET pieces[3] = pieces[3] - 1",
        "UPDATE safes SET pieces[3] = pieces[3] - 1, pieces[4] = pieces[4] + 2",
    ],
    "a till has the cash of its drawer": [
        "UPDATE drawers SET till_id = gen_random_uuid()",
    ],
}


@pytest.fixture
def books(unguarded_app: Flask) -> Flask:
    """Return the application on a database of its own, with an open drawer."""
    require_superuser()
    Branch.with_cash(People(unguarded_app.extensions["database"])).open_drawer()
    return unguarded_app


def test_drawers_that_agree_pass(books: Flask) -> None:
    assert verified(books).exit_code == 0


@pytest.mark.parametrize(
    ("name", "statement"),
    [(name, statement) for name, statements in BREAKS.items() for statement in statements],
)
def test_drawers_that_disagree_are_reported_by_name(
    books: Flask, name: str, statement: str
) -> None:
    break_books(books, statement)
    result = verified(books)
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if line.startswith(f"{name}: ")]


def test_every_invariant_of_cash_is_broken() -> None:
    assert list(BREAKS) == [invariant.name for invariant in CASH_INVARIANTS]
