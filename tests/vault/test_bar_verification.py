"""`flask books verify` finds bars that disagree with the ledger, past every guard."""

import pytest
from flask import Flask

from app.ledger.chart import AccountClass
from app.reconciliation.invariants import BAR_INVARIANTS
from tests.broken_books import break_books, verified
from tests.people import People
from tests.superuser import require_superuser
from tests.vault.goods import GOLD_BAR, Goods
from tests.vault.test_bars import receive_two

ALLOCATED, PICKED = AccountClass.STOCK_ALLOCATED, AccountClass.STOCK_PICKED
#: Each invariant's name with statements that break it.
BREAKS = {
    "bars in a state at a location are the units that the ledger counts": [
        "UPDATE bars SET state = 'in_transit' WHERE state = 'available'",
        "UPDATE bars SET state = 'allocated' WHERE state = 'picked'",
        "DELETE FROM bars WHERE state = 'available'",
        "UPDATE bars SET location_id = gen_random_uuid() WHERE state = 'available'",
    ],
    "bars of a customer are the units that they own": [
        "UPDATE bars SET owner_id = gen_random_uuid() WHERE state = 'picked'",
    ],
    "a hold of bars names as many as it holds": [
        "UPDATE bars SET hold_id = NULL",
    ],
}


@pytest.fixture
def books(unguarded_app: Flask) -> Flask:
    """Return the application on a database of its own, with a reserved bar and one that is packed
    for its owner."""
    require_superuser()
    people = People(unguarded_app.extensions["database"])
    gold = Goods.at_a_new_location(people, GOLD_BAR)
    reserved, packed = receive_two(gold)
    gold.reserve(1, reserved)
    gold.sell(people.customer().user_id, packed, units=1, price="1600000.00", spot="4000")
    gold.change_state(1, ALLOCATED, PICKED, packed)
    return unguarded_app


def test_bars_that_agree_pass(books: Flask) -> None:
    assert verified(books).exit_code == 0


@pytest.mark.parametrize(
    ("name", "statement"),
    [(name, statement) for name, statements in BREAKS.items() for statement in statements],
)
def test_bars_that_disagree_are_reported_by_name(books: Flask, name: str, statement: str) -> None:
    break_books(books, statement)
    result = verified(books)
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if line.startswith(f"{name}: ")]


def test_every_invariant_of_bars_is_broken() -> None:
    assert list(BREAKS) == [invariant.name for invariant in BAR_INVARIANTS]
