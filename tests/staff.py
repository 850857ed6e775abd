"""Staff with a second factor, and browsers in which they sign in."""

from dataclasses import dataclass, field
from typing import Any

import pyotp
from flask import Flask
from werkzeug.test import TestResponse

from app.access import Actor, Role
from app.identity.credentials import second_factor
from app.kit import clock
from app.kit.db import Database
from tests.authenticator import Authenticator
from tests.page_client import Browser
from tests.people import PASSWORD, People


@dataclass
class Member:
    """A member of staff with an authenticator app."""

    actor: Actor
    secret: str
    recovery_codes: list[str] = field(default_factory=list)

    @property
    def email(self) -> str:
        """The member's email address."""
        return self.actor.email

    def code(self, steps: int = 1) -> str:
        """Return the code that the app shows `steps` time steps from now. Each code works once."""
        return pyotp.TOTP(self.secret).at(int(clock.now().timestamp()) + 30 * steps)


def create_member_with_app(database: Database, role: Role = Role.ADMIN) -> Member:
    """Create a member of staff with an authenticator app, whose present code is used."""
    actor = People(database).staff(role)
    with database.transaction() as session:
        setup = second_factor.start_setup(session, actor)
    member = Member(actor, setup.secret)
    with database.transaction() as session:
        codes = second_factor.confirm_setup(session, actor, member.code(0), network="192.0.2.1")
    assert isinstance(codes, list)
    member.recovery_codes = codes
    return member


def create_authenticator(app: Flask) -> Authenticator:
    """Create a software passkey for the application."""
    party = app.extensions["relying_party"]
    return Authenticator(party.origin, party.id)


class StaffBrowser(Browser):
    """A browser that can also use a passkey."""

    def csrf_token(self, path: str = "/auth/login") -> str:
        """Return the CSRF token of a page."""
        return self.get_page(path).all("input", name="csrf_token")[0]["value"]

    def post_form(self, path: str, page: str = "/auth/login", **fields: str) -> TestResponse:
        """Post a form to the path, with the CSRF token of a page."""
        return self.client.post(path, data={"csrf_token": self.csrf_token(page), **fields})

    def request_options(self, path: str, page: str = "/auth/login") -> dict[str, Any]:
        """Request the options that a passkey signs."""
        response = self.client.post(path, headers={"X-CSRFToken": self.csrf_token(page)})
        assert response.status_code == 200, response.text
        options: dict[str, Any] = response.json
        return options

    def sign_in_by_app(self, member: Member, code: str | None = None) -> TestResponse:
        """Sign in with password and code, by the forms."""
        response = self.sign_in(member.email, PASSWORD)
        assert (response.status_code, response.location) == (303, "/auth/second-factor")
        return self.submit_form("/auth/second-factor", "second-factor", code=code or member.code())

    def sign_in_by_passkey(self, key: Authenticator, **overrides: Any) -> TestResponse:
        """Sign in with a passkey alone."""
        options = self.request_options("/auth/passkey/question")
        return self.post_form("/auth/passkey", credential=key.get(options, **overrides))

    def enrol_passkey(self, email: str, key: Authenticator, **overrides: Any) -> TestResponse:
        """Sign in without a second factor and register this passkey on the way."""
        response = self.sign_in(email, PASSWORD)
        assert response.location == "/auth/second-factor"
        assert self.client.get("/auth/second-factor").location == "/auth/enrol"
        options = self.request_options("/auth/enrol/passkey/question", "/auth/enrol")
        credential = key.create(options, **overrides)
        return self.post_form(
            "/auth/enrol/passkey", "/auth/enrol", credential=credential, name="My key"
        )


def sign_in(app: Flask, person: Actor) -> Browser:
    """Return a browser in which this member of staff is signed in, by password alone."""
    browser = Browser(app)
    browser.sign_in(person.email, PASSWORD)
    return browser
