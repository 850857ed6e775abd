"""Browsers in which a member of staff is signed in, shared by the tests of the pages."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.access import Actor, Role
from tests.page_client import Browser
from tests.people import PASSWORD, People

SignInAs = Callable[[Role], Browser]


def sign_in(app: Flask, person: Actor) -> Browser:
    """Return a browser in which this person is signed in."""
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    return browser


@pytest.fixture
def sign_in_as(app: Flask, people: People) -> SignInAs:
    """Return a function that signs a new person with this role in."""
    return lambda role: sign_in(app, people.staff(role))


@pytest.fixture
def admin(people: People) -> Actor:
    """Return an administrator who is not the only one."""
    people.staff(Role.ADMIN)
    return people.staff(Role.ADMIN)


@pytest.fixture
def browser(app: Flask, admin: Actor) -> Browser:
    """Return a browser in which an administrator is signed in."""
    return sign_in(app, admin)
