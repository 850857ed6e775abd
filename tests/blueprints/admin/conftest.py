"""Browsers in which a member of staff is signed in, shared by the tests of the pages."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.access import Role
from tests.page_client import Browser
from tests.people import People
from tests.staff import sign_in

SignInAs = Callable[[Role], Browser]


@pytest.fixture
def sign_in_as(app: Flask, people: People) -> SignInAs:
    """Return a function that signs a new person with this role in."""
    return lambda role: sign_in(app, people.staff(role))
