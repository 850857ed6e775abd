"""The parts of the benchmarks run, without measuring anything."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy.engine import make_url

from app.audit import service
from app.kit.db import Database
from app.screening.lists import sdn
from app.shop.storefront import queries as storefront_queries
from app.shop.storefront.queries import OfferSearch
from bench import (
    audit,
    catalogue,
    desk,
    market_setup,
    parallel,
    past_orders,
    screening,
    shop,
    stock,
)
from tests import sanctions
from tests.embedded.conftest import CHECKOUT
from tests.running_transactions import wait_for_running_transactions
from tests.superuser import require_superuser


def connect_owner(database: Database) -> psycopg.Connection:
    """Connect to the database as its owner."""
    url = make_url(os.environ["DATABASE_OWNER_URL"]).set(
        drivername="postgresql", database=database.engine.url.database
    )
    return psycopg.connect(url.render_as_string(hide_password=False))


def test_service_benchmark_places_orders(app: Flask) -> None:
    market_setup.set_prices(app)
    customers = market_setup.add_customers(app, 2)
    placed = subprocess.run(
        [sys.executable, "-m", "bench.service", "0.5", *(str(who.user_id) for who in customers)],
        cwd=CHECKOUT,
        env=os.environ,
        input="\n",
        capture_output=True,
        text=True,
        check=True,
    )
    ready, count = placed.stdout.split()
    assert ready == "ready"
    database = market_setup.database_of(app)
    with database.reading() as session:
        statement = "SELECT count(*) FROM orders WHERE user_id = ANY(%s)"
        assert session.rows(statement, ([who.user_id for who in customers],)) == [(int(count),)]
    assert int(count) > 0


def test_audit_benchmark_records_seals_and_verifies(
    lone_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_AT_ONCE", 20)
    database = market_setup.database_of(lone_app)
    audit._record(database, 40)
    wait_for_running_transactions(database)
    audit._seal(database, 40)
    with database.transaction() as session:
        service.anchor(session)
    audit._verify(database, 40)
    with pytest.raises(RuntimeError):
        audit._verify(database, 41)


def test_screening_benchmark_screens_people(app: Flask, shared_data: Path) -> None:
    files = sdn.read_files(shared_data / "ofac")
    names = screening.names_to_screen(files)
    assert len(names) > 7_000
    assert names[0].endswith("x")
    sanctions.import_sample_list(market_setup.database_of(app))
    environ = {**os.environ, "PBCEX_BENCH_SDN": str(shared_data / "ofac")}
    assert parallel.run_and_sum("bench.screening", [["0.3", "0"], ["0.3", "1"]], environ) > 0


def test_stock_benchmark_stocks_each_product_at_three_locations(unguarded_app: Flask) -> None:
    database = market_setup.database_of(unguarded_app)
    with connect_owner(database) as owner:
        stock.add_products(owner, 1, 2)
        stock.add_products(owner, 3, 4)
    with database.reading() as session:
        statement = "SELECT sum(posted) FROM balances b JOIN accounts a ON a.id = b.account_id"
        assert session.value(f"{statement} WHERE a.asset LIKE 'BENCH-%'") == 4 * 3 * 5


def test_search_benchmark_fills_a_catalogue_of_priced_products(unguarded_app: Flask) -> None:
    market_setup.set_prices(unguarded_app)
    database = market_setup.database_of(unguarded_app)
    with connect_owner(database) as owner:
        catalogue.add_products(owner, 40)
    with database.reading() as session:
        offers = storefront_queries.list_offers(session, OfferSearch(search="eagle 1oz"))
    [offer] = offers.page.data
    # 4,008.00 with 5.9 percent, 2.00 for its ounce and 1.50 for the coin.
    assert (offer.name, str(offer.price)) == ("1998 Gold Eagle, 1 oz", "4247.97")
    assert shop.searches(facets=True)(3) != shop.searches(facets=True)(4)


def test_checkout_benchmark_has_past_orders_in_books_that_are_correct(
    lone_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "GOODS", 3)
    market_setup.set_prices(lone_app)
    database = market_setup.database_of(lone_app)
    skus = shop.stock_goods(database)
    customers = [who.user_id for who in market_setup.add_customers(lone_app, 2)]
    with connect_owner(database) as owner:
        past_orders.prepare(owner, customers, skus)
        past_orders.add_orders(owner, 5)
        past_orders.add_orders(owner, 12)
    with database.reading() as session:
        assert session.value("SELECT count(*) FROM shop_orders") == 12
        assert session.value("SELECT sum(units) FROM lot_stock") == 3 * 100_000 - 12


def test_pages_benchmark_opens_pages_of_few_statements(unguarded_app: Flask) -> None:
    database = market_setup.database_of(unguarded_app)
    url = make_url(require_superuser()).set(
        drivername="postgresql", database=database.engine.url.database
    )
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        desk.prepare(connection)
        visitor = desk.sign_in(unguarded_app, connection)
        desk.fill(connection, 20, 40)
        desk.fill(connection, 60, 400)
        pages = desk.list_requests(connection, visitor)
    counts = {name: desk.count_statements(unguarded_app, sent) for name, sent in pages.items()}
    # A customer's own page puts together what many rooms know.
    lists = {name: count for name, count in counts.items() if not name.startswith("customer")}
    assert {name: count for name, count in lists.items() if count > desk.STATEMENTS_MAX} == {}
    with database.reading() as session:
        assert session.value("SELECT count(*) FROM users WHERE role = 'USER'") == 60
        assert session.value("SELECT count(*) FROM deposits") == 200
