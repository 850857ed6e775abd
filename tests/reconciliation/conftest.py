"""A customer, with providers that no other test uses."""

import pytest

from app.kit import ids
from app.kit.db import Database
from tests.paying_customer import PayingCustomer, create_paying_customer
from tests.people import People


@pytest.fixture
def customer(database: Database, people: People) -> PayingCustomer:
    return create_paying_customer(database, people, name=f"-{ids.new().hex[-8:]}")
