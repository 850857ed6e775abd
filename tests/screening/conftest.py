"""A database whose sanctions list is reset after each test."""

from collections.abc import Iterator

import pytest

from app.kit.db import Database
from tests import sanctions


@pytest.fixture
def listed(database: Database) -> Iterator[Database]:
    """A database in which the sample list is current, before and after the test."""
    sanctions.import_sample_list(database)
    yield database
    sanctions.import_sample_list(database)
