"""Measure what a large stock costs those who read the books of money: balances and exposure."""

import time
from collections.abc import Callable

import psycopg

from app.factory import create_app
from app.hedging import queries as hedging_queries
from app.kit.db import SNAPSHOT, Database, Session
from app.ledger import queries as ledger_queries
from bench.market_setup import database_of, set_prices
from bench.server import BenchServer

PRODUCTS = (100, 100_000)

# Each product is received once at each of three locations, as the ledger records a delivery.
_ADD_PRODUCTS = """
INSERT INTO assets (code, scale, name)
SELECT 'BENCH-' || n, 0, 'Coin ' || n FROM generate_series(%(first)s::int, %(last)s::int) n;
INSERT INTO accounts (class, owner_id, asset, guarded, normal)
SELECT class, ('00000000-0000-7000-8000-' || lpad(place::text, 12, '0'))::uuid, 'BENCH-' || n,
       class = 'stock.available', CASE class WHEN 'stock.available' THEN 1 ELSE -1 END
FROM generate_series(%(first)s::int, %(last)s::int) n, generate_series(1, 3) place,
     unnest(ARRAY['stock.available', 'stock.position']) class;
INSERT INTO balances (account_id, posted)
SELECT a.id, 5 FROM accounts a WHERE a.guarded AND a.asset LIKE 'BENCH-%%'
AND NOT EXISTS (SELECT FROM balances b WHERE b.account_id = a.id);
INSERT INTO entries (cause, reference, posted_at)
SELECT 'goods_received', 'bench-goods:' || n, now()
FROM generate_series(%(first)s::int, %(last)s::int) n;
INSERT INTO postings (entry_id, account_id, units)
SELECT e.id, a.id, 5 * a.normal
FROM entries e JOIN accounts a ON a.asset = 'BENCH-' || split_part(e.reference, ':', 2)
WHERE e.reference LIKE 'bench-goods:%%'
AND NOT EXISTS (SELECT FROM postings p WHERE p.entry_id = e.id);
"""

Add = Callable[[str, float], None]


def measure(bench: BenchServer, rounds: int, seconds: float, add: Add) -> None:
    """Measure the milliseconds to read the balances of money, and the exposure, with few products
    and with many at three locations."""
    app = create_app(bench.settings)
    database = database_of(app)
    stocked = 0
    for products in PRODUCTS:
        _fill(bench, stocked + 1, products)
        stocked = products
        for _ in range(rounds):
            set_prices(app)
            for name, read in (
                ("balances", ledger_queries.house_balances),
                ("exposure", hedging_queries.current_exposure),
            ):
                add(f"{name}_{products}_ms", _milliseconds(database, read, seconds))
    database.engine.dispose()


def _fill(bench: BenchServer, first: int, last: int) -> None:
    with psycopg.connect(bench.superuser("pbcex")) as connection:
        add_products(connection, first, last)
    with psycopg.connect(bench.superuser("pbcex"), autocommit=True) as connection:
        connection.execute("SELECT ledger_roll_up()")
        connection.execute("VACUUM ANALYZE")


def add_products(connection: psycopg.Connection, first: int, last: int) -> None:
    """Add the products of these numbers, and their stock."""
    for statement in _ADD_PRODUCTS.split(";\n"):
        if statement.strip():
            connection.execute(statement, {"first": first, "last": last})


def _milliseconds(database: Database, read: Callable[[Session], object], seconds: float) -> float:
    reads, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds:
        with database.transaction(SNAPSHOT) as session:
            read(session)
        reads += 1
    return 1000 * passed / reads
