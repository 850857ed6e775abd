"""A customer who may move money, and providers that do what a test says."""

import pytest

from app.kit.db import Database
from tests.paying_customer import PayingCustomer, create_paying_customer
from tests.people import People


@pytest.fixture
def customer(database: Database, people: People) -> PayingCustomer:
    """Providers whose books other tests wrote in, too."""
    return create_paying_customer(database, people)
