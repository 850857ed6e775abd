"""A customer who may move money, and providers that do what a test says."""

import pytest

from app.kit.db import Database
from tests.people import People
from tests.till import Till, open_till


@pytest.fixture
def till(database: Database, people: People) -> Till:
    """Providers whose books other tests wrote in, too."""
    return open_till(database, people)
