"""A customer, with providers that no other test uses."""

import pytest

from tests.paying_customer import PayingCustomer


@pytest.fixture
def customer(lone_customer: PayingCustomer) -> PayingCustomer:
    return lone_customer
