"""`flask books verify` finds storage fees that disagree with the ledger, past every guard."""

from datetime import UTC, date, datetime

import pytest
from flask import Flask

from app.reconciliation.invariants import STORAGE_FEE_INVARIANTS
from tests.broken_books import break_books, verified
from tests.people import People
from tests.storage_fees.customers import Vault, accept_price, days_of
from tests.superuser import require_superuser

#: Each invariant's name with a statement that breaks it.
BREAKS = {
    "a storage fee of a metal is what its entry posted": (
        "UPDATE storage_charge_lines SET metal = 'AG'"
    ),
    "the parts of a storage fee add up to it": (
        "UPDATE storage_charge_lines SET fee_units = fee_units + 1"
    ),
    "a storage fee that was charged is reversed when it is waived": (
        "UPDATE storage_charges SET status = 'waived', waived_at = now(), waive_reason = 'none'"
    ),
}


@pytest.fixture
def books(unguarded_app: Flask) -> Flask:
    """Return the application on a database of its own, with one fee that was charged."""
    require_superuser()
    database = unguarded_app.extensions["database"]
    vault = Vault(database, People(database))
    customer = vault.customer(USD="50.00")
    with database.transaction() as session:
        accept_price(session, "AU", datetime(2024, 7, 1, 12, tzinfo=UTC), "4000")
    vault.move(customer, datetime(2024, 6, 2, tzinfo=UTC), "XAU-s", "101")
    vault.accrue(days_of(date(2024, 7, 1), 1))
    vault.close(date(2024, 7, 1))
    vault.charge(customer)
    return unguarded_app


@pytest.mark.parametrize("name", BREAKS)
def test_fees_that_disagree_are_reported_by_name(books: Flask, name: str) -> None:
    assert verified(books).exit_code == 0
    break_books(books, BREAKS[name])
    result = verified(books)
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if line.startswith(f"{name}: ")]


def test_every_invariant_of_storage_fees_is_broken() -> None:
    assert list(BREAKS) == [invariant.name for invariant in STORAGE_FEE_INVARIANTS]
