"""The benchmarks keep up with the product: their parts run, without measuring anything."""

import os
import subprocess
import sys

from flask import Flask

from bench import people
from tests.embedded.conftest import CHECKOUT


def test_orders_are_placed(app: Flask) -> None:
    people.set_prices(app)
    customers = people.customers(app, 2)
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
    database = people.database_of(app)
    with database.reading() as session:
        statement = "SELECT count(*) FROM orders WHERE user_id = ANY(%s)"
        assert session.rows(statement, ([who.user_id for who in customers],)) == [(int(count),)]
    assert int(count) > 0
