"""A dump restored into another cluster: the remedy of ADR 3 corrects house balances."""

import re

import psycopg
from flask import Flask

from app.catalog.rules import USD
from app.kit import clock
from app.kit.db import SNAPSHOT, Database
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.reconciliation.invariants import find_violations
from tests.house.source import CHECKOUT
from tests.people import People

# As dumped from a cluster that has seen many more transactions than this one.
_SHIFT_TRANSACTION_IDS = """
ALTER TABLE entries DISABLE TRIGGER entries_append_only;
UPDATE entries SET xid = (xid::text::bigint + 1000000000)::text::xid8;
ALTER TABLE entries ENABLE TRIGGER entries_append_only;
UPDATE rollup_watermark SET xid = (xid::text::bigint + 1000000000)::text::xid8;
"""


def _capital_units(database: Database) -> int:
    with database.transaction(SNAPSHOT) as session:
        owner = chart.capital(USD)
        [now] = [
            line.units
            for line in ledger_queries.trial_balance(session)
            if (line.account_class, line.asset) == (owner.account_class, USD.code)
        ]
        # From the postings, which do not depend on the watermark.
        assert ledger_queries.account_balance_at(session, owner, clock.now()) in (now, -5_00)
    return now


def _as_owner(app: Flask, script: str) -> None:
    url = app.extensions["settings"].database_owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(script)


def test_restored_dump_has_correct_balances_after_the_remedy_of_adr_3(
    lone_app: Flask,
) -> None:
    database: Database = lone_app.extensions["database"]
    people = People(database)
    people.customer(USD="2.00")
    with database.transaction() as session:
        session.send("SELECT ledger_roll_up()")
    people.customer(USD="1.00")
    _as_owner(lone_app, _SHIFT_TRANSACTION_IDS)
    people.customer(USD="2.00")
    assert _capital_units(database) == -3_00, "without the remedy, new entries are overlooked"

    adr = (CHECKOUT / "docs" / "adr" / "0003-ledger-in-the-database.md").read_text()
    [remedy] = re.findall(r"```sql\n(.*?)```", adr, re.DOTALL)
    _as_owner(lone_app, remedy)
    assert _capital_units(database) == -5_00
    people.customer(USD="4.00")
    with database.transaction() as session:
        session.send("SELECT ledger_roll_up()")
    with database.transaction(SNAPSHOT) as session:
        assert ledger_queries.account_balance_at(session, chart.capital(USD), clock.now()) == -9_00
        assert find_violations(session) == []
