"""Many threads, each with a connection of its own, that act at one moment."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from app.config import Settings
from app.factory import create_app
from app.kit.db import Database
from tests.people import People
from tests.races.contest import THREADS, Act, Arena


@pytest.fixture(scope="module")
def racing(app: Flask) -> Iterator[Flask]:
    """The application with a connection for every thread, and no limits on requests."""
    racing = create_app(
        Settings(
            database_url=os.environ["DATABASE_URL"],
            database_owner_url=os.environ["DATABASE_OWNER_URL"],
            database_pool_size=THREADS,
            rate_limit="off",
        )
    )
    yield racing
    racing.extensions["database"].engine.dispose()


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
