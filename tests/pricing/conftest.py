"""Start the tests of prices from a market without prices."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from app.kit.db import Database, Session
from app.pricing.models import MarketPriceRow, SourcePrice
from tests.rows import delete_rows


class _RollBack(Exception):
    pass


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Yield a transaction in which no metal has a price; it is rolled back."""
    with suppress(_RollBack), database.transaction() as session:
        delete_rows(session, MarketPriceRow)
        delete_rows(session, SourcePrice)
        yield session
        raise _RollBack
