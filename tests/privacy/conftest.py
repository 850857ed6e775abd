"""Customers with a history, without rate limits, and a mailbox."""

import pytest
from flask import Flask

from tests.mailbox import Mailbox
from tests.privacy.customer_history import CustomerWithHistory


@pytest.fixture
def ada(open_app: Flask, mailbox: Mailbox) -> CustomerWithHistory:
    """A customer with a history."""
    return CustomerWithHistory.register(open_app)


@pytest.fixture
def bob(open_app: Flask, mailbox: Mailbox) -> CustomerWithHistory:
    """Another customer with a history."""
    return CustomerWithHistory.register(open_app)
