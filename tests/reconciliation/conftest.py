"""A customer, with providers that no other test uses."""

import pytest

from app.kit import ids
from app.kit.db import Database
from tests.people import People
from tests.till import Till, open_till


@pytest.fixture
def till(database: Database, people: People) -> Till:
    return open_till(database, people, name=f"-{ids.new().hex[-8:]}")
