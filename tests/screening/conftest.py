"""Lists that a test imports give way to that of the sample afterwards."""

from collections.abc import Iterator

import pytest

from app.kit.db import Database
from tests import sanctions


@pytest.fixture
def listed(database: Database) -> Iterator[Database]:
    """A database in which the list of the sample stands, before and after."""
    sanctions.import_sample_list(database)
    yield database
    sanctions.import_sample_list(database)
