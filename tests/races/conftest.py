"""Many threads, each with a connection of its own, that act at one moment."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from app.config import Settings
from app.factory import create_app
from app.kit.db import Database
from tests.people import People
from tests.races.contest import THREADS, Act, Arena


@pytest.fixture(scope="module")
def racing(app: Flask) -> Iterator[Flask]:
    """The application with a connection for every thread, and no limits on requests.

    They queue for minutes if need be: a machine that stalls says nothing about who wins. A deadlock
    is found by the server after a second all the same.
    """
    racing = create_app(
        Settings(
            database_url=os.environ["DATABASE_URL"],
            database_owner_url=os.environ["DATABASE_OWNER_URL"],
            database_pool_size=THREADS,
            rate_limit="off",
        )
    )
    sa.event.listen(racing.extensions["database"].engine, "connect", _be_patient)
    yield racing
    racing.extensions["database"].engine.dispose()


def _be_patient(connection: psycopg.Connection, _record: object) -> None:
    connection.execute("SET lock_timeout = 0")
    connection.execute("SET statement_timeout = 0")


@pytest.fixture(scope="module")
def threads() -> Iterator[Callable[[Sequence[Act]], list[object]]]:
    """Runs acts at one moment; answers what each returned or raised."""
    barrier = Barrier(THREADS)

    def run(act: Act) -> object:
        barrier.wait(timeout=30)
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - the contest judges it
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        yield lambda acts: list(pool.map(run, acts))


@pytest.fixture
def arena(
    racing: Flask, threads: Callable[[Sequence[Act]], list[object]], database: Database
) -> Arena:
    """Where races are held; the books are checked afterwards."""
    racing_database = racing.extensions["database"]
    return Arena(racing_database, People(racing_database), threads)
