"""`flask books verify` and the nightly reconciliation find each invariant of lots broken once."""

import pytest
from flask import Flask

from app.ledger.chart import AccountClass
from app.reconciliation import service as reconciliation
from app.reconciliation.invariants import LOT_INVARIANTS
from tests.broken_books import break_books, verified
from tests.people import People
from tests.superuser import require_superuser
from tests.vault.goods import Goods

#: The name of each invariant, with what breaks it and what mends it again.
BREAKS = {
    "what is left of a lot is the sum of its movements": (
        "UPDATE lot_movements SET premium_usd = premium_usd + 1 WHERE units < 0",
        "UPDATE lot_movements SET premium_usd = premium_usd - 1 WHERE units < 0",
    ),
    "the units left of lots are those on the shelves and on their way": (
        "UPDATE accounts SET class = 'stock.picked' WHERE class = 'stock.quarantine'",
        "UPDATE accounts SET class = 'stock.quarantine' WHERE class = 'stock.picked'",
    ),
    "the premium left of lots is the premium of their branch": (
        "UPDATE accounts SET class = 'shrinkage' WHERE class = 'inventory.premium'",
        "UPDATE accounts SET class = 'inventory.premium' WHERE class = 'shrinkage'",
    ),
    "the ounces left of lots are the metal of their branch": (
        "UPDATE lots SET ounces_units = ounces_units + units",
        "UPDATE lots SET ounces_units = ounces_units - units",
    ),
}


@pytest.fixture
def books(unguarded_app: Flask) -> Flask:
    """Return the application on a database of its own, in which goods came, were sold and wait to
    be examined."""
    require_superuser()
    people = People(unguarded_app.extensions["database"])
    goods = Goods.at_a_new_location(people)
    goods.receive()
    goods.receive(units="3", cost="11800.00")
    goods.sell(people.customer().user_id, units=2, price="8231.00", spot="4000.25")
    goods.change_state(4, AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_QUARANTINE)
    return unguarded_app


def test_every_invariant_of_lots_is_found_broken(books: Flask) -> None:
    assert list(BREAKS) == [invariant.name for invariant in LOT_INVARIANTS]
    for name, (breaking, mending) in BREAKS.items():
        assert verified(books).exit_code == 0
        break_books(books, breaking)
        reported = {line.partition(": ")[0] for line in verified(books).stderr.splitlines()}
        assert reported - {"Error"} == {name}
        break_books(books, mending)
    break_books(books, "UPDATE lot_stock SET units = units - 1 WHERE units = 3")
    [run, *_] = reconciliation.reconcile_all(books.extensions["database"])
    assert (run.source, run.differences) == ("books", 3)
