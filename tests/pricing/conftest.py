"""What tests of prices start from: a market that never had a price."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from app.kit.db import Database, Session


class _RollBack(Exception):
    pass


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A transaction in which no metal has a price; nothing of it is kept."""
    with suppress(_RollBack), database.transaction() as session:
        session.send("DELETE FROM market_prices")
        yield session
        raise _RollBack
