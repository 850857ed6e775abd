"""Customers with a history, without rate limits, and a mailbox."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.mailbox import Mailbox, use_mailbox
from tests.privacy.customer_history import CustomerWithHistory


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with use_mailbox() as made:
        yield made


@pytest.fixture
def ada(open_app: Flask, box: Mailbox) -> CustomerWithHistory:
    """A customer with a history."""
    return CustomerWithHistory.register(open_app)


@pytest.fixture
def bob(open_app: Flask, box: Mailbox) -> CustomerWithHistory:
    """Another customer with a history."""
    return CustomerWithHistory.register(open_app)
