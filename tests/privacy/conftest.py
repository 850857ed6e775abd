"""Customers with a history, without rate limits, and a mailbox."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.kit.db import Database
from tests.mailbox import Mailbox, use_mailbox
from tests.people import People
from tests.privacy.customer_history import CustomerWithHistory


@pytest.fixture
def database(open_app: Flask) -> Database:
    database: Database = open_app.extensions["database"]
    return database


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


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
