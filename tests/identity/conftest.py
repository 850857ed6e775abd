"""Administrators for the tests of accounts and roles."""

import pytest

from app.access import Actor, Role
from app.identity.models import User
from app.kit.db import Database
from tests.people import People
from tests.rows import change_rows


@pytest.fixture
def second_admin(people: People) -> Actor:
    return people.staff(Role.ADMIN)


@pytest.fixture
def no_other_administrators(database: Database) -> None:
    """Leave no administrators except those that the test creates."""
    with database.transaction() as session:
        change_rows(session, User, User.role == "ADMIN", role="SUPPORT")
