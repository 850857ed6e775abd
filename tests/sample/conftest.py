"""Applications with databases of their own: an empty one, and one with the sample, loaded once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask

from app.embedded.network_ports import free_port
from app.kit import ids
from app.kit.db import Database, Session
from app.sample.commands import sample
from app.settings.models import SettingChange
from tests import conftest


def _let_new_destinations_wait(session: Session) -> None:
    """Undo what the databases of tests have, as if long ago: the sample sets it at its end."""
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    session.write(
        sa.insert(SettingChange).values(
            id=ids.new(),
            name="destinations.wait_hours",
            value="24",
            effective_at=long_ago,
            reason="As in a new database",
            made_at=long_ago,
        )
    )


@contextmanager
def _application_on(name: str) -> Iterator[Flask]:
    """Yield an application on a new database; nothing serves its sandbox's address."""
    conftest.recreate(name, conftest.TEMPLATE)
    sandbox_url = f"http://127.0.0.1:{free_port()}"
    settings = conftest.settings_on(name)
    app = conftest._made(
        settings.model_copy(update={"rate_limit": "off", "sandbox_url": sandbox_url})
    )
    with app.extensions["database"].transaction() as session:
        _let_new_destinations_wait(session)
    try:
        yield app
    finally:
        app.extensions["database"].engine.dispose()
        conftest.drop(name)


@pytest.fixture(scope="session")
def loaded(worker_id: str) -> Iterator[Flask]:
    with _application_on(f"pbcex_sample_{worker_id}") as app:
        result = app.test_cli_runner().invoke(sample, ["load"])
        assert result.exit_code == 0, result.output
        yield app


@pytest.fixture
def sample_app(loaded: Flask, provided: Callable[[Flask], None]) -> Flask:
    """An application whose database holds the sample. Change nothing there."""
    provided(loaded)
    return loaded


@pytest.fixture
def empty_app(worker_id: str, provided: Callable[[Flask], None]) -> Iterator[Flask]:
    """An application whose database has no people."""
    with _application_on(f"pbcex_empty_{worker_id}") as app:
        provided(app)
        yield app


@pytest.fixture
def sample_database(sample_app: Flask) -> Database:
    """The database that holds the sample."""
    database: Database = sample_app.extensions["database"]
    return database
