"""A verified customer with scripted rails."""

import pytest

from app.kit.db import Database
from tests.paying_customer import PayingCustomer, create_paying_customer
from tests.people import People


@pytest.fixture
def customer(database: Database, people: People) -> PayingCustomer:
    """Return a customer whose rails have the names that other tests use, too."""
    return create_paying_customer(database, people)
