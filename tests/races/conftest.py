"""Threads that act at the same moment, each with its own connection."""

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
    """The application with a connection for every thread, and without rate limits.

    Threads wait for minutes if necessary, because a slow machine says nothing about who wins. The
    server detects a deadlock after a second in any case.
    """
    racing = create_app(
        Settings(
            database_url=os.environ["DATABASE_URL"],
            database_owner_url=os.environ["DATABASE_OWNER_URL"],
            database_pool_size=THREADS,
            rate_limit="off",
        )
    )
    engine = racing.extensions["database"].engine
    sa.event.listen(engine, "do_connect", _wait_for_connection)
    sa.event.listen(engine, "connect", _disable_timeouts)
    yield racing
    engine.dispose()


def _wait_for_connection(
    _dialect: object, _record: object, _arguments: object, parameters: dict[str, object]
) -> None:
    parameters["connect_timeout"] = 300


def _disable_timeouts(connection: psycopg.Connection, _record: object) -> None:
    connection.execute("SET lock_timeout = 0")
    connection.execute("SET statement_timeout = 0")


@pytest.fixture(scope="module")
def threads() -> Iterator[Callable[[Sequence[Act]], list[object]]]:
    """Return a function that runs acts at the same moment and returns results and exceptions."""
    barrier = Barrier(THREADS)

    def run(act: Act) -> object:
        barrier.wait(timeout=30)
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - `winners` judges it
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        yield lambda acts: list(pool.map(run, acts))


@pytest.fixture
def arena(
    racing: Flask, threads: Callable[[Sequence[Act]], list[object]], database: Database
) -> Arena:
    """Database and threads for races; the books are verified afterwards."""
    racing_database = racing.extensions["database"]
    return Arena(racing_database, People(racing_database), threads)
