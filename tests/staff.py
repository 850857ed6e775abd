"""Staff with a second factor, and browsers that sign them in."""

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
        """Their address."""
        return self.actor.email

    def code(self, steps: int = 1) -> str:
        """What the app shows so many steps from now: each code counts once."""
        return pyotp.TOTP(self.secret).at(int(clock.now().timestamp()) + 30 * steps)


def with_app(database: Database, role: Role = Role.ADMIN) -> Member:
    """A new member of staff who has set up an authenticator app. Its code of now is used up."""
    actor = People(database).staff(role)
    with database.transaction() as session:
        setup = second_factor.start_setup(session, actor)
    member = Member(actor, setup.secret)
    with database.transaction() as session:
        codes = second_factor.confirm_setup(session, actor, member.code(0), network="192.0.2.1")
    assert isinstance(codes, list)
    member.recovery_codes = codes
    return member


def authenticator(app: Flask) -> Authenticator:
    """A passkey for this application."""
    party = app.extensions["relying_party"]
    return Authenticator(party.origin, party.id)


class StaffBrowser(Browser):
    """A browser that can also answer for a passkey."""

    def token(self, path: str = "/auth/login") -> str:
        """The token of the forms on a page."""
        return self.get(path).all("input", name="csrf_token")[0]["value"]

    def send_to(self, path: str, page: str = "/auth/login", **fields: str) -> TestResponse:
        """A form to this path, with the token of a page."""
        return self.client.post(path, data={"csrf_token": self.token(page), **fields})

    def question(self, path: str, page: str = "/auth/login") -> dict[str, Any]:
        """What a passkey is to sign."""
        answer = self.client.post(path, headers={"X-CSRFToken": self.token(page)})
        assert answer.status_code == 200, answer.text
        options: dict[str, Any] = answer.json
        return options

    def sign_in_by_app(self, member: Member, code: str | None = None) -> TestResponse:
        """Both steps, by the form."""
        answer = self.sign_in(member.email, PASSWORD)
        assert (answer.status_code, answer.location) == (303, "/auth/second-factor")
        return self.send("/auth/second-factor", "second-factor", code=code or member.code())

    def sign_in_by_passkey(self, key: Authenticator, **lies: Any) -> TestResponse:
        """The only step."""
        options = self.question("/auth/passkey/question")
        return self.send_to("/auth/passkey", credential=key.get(options, **lies))

    def enrol_passkey(self, email: str, key: Authenticator, **lies: Any) -> TestResponse:
        """Both steps of somebody without a second factor, who makes this passkey."""
        answer = self.sign_in(email, PASSWORD)
        assert answer.location == "/auth/second-factor"
        assert self.client.get("/auth/second-factor").location == "/auth/enrol"
        options = self.question("/auth/enrol/passkey/question", "/auth/enrol")
        said = key.create(options, **lies)
        return self.send_to("/auth/enrol/passkey", "/auth/enrol", credential=said, name="My key")
