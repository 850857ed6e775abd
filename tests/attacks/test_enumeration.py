"""No response reveals whether an email address has an account: each costs the same work.

The work is the number of password hashes, and the statements of each round trip.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import argon2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.access import Role
from app.cases.models import Case
from app.identity.accounts import invitations
from app.identity.accounts.registration_limits import PROBING, RegistrationRules
from app.identity.credentials.passwords import PasswordHashing
from app.identity.models import User
from app.identity.sign_in import service as sign_in
from app.kit import clock
from app.kit.db import Database
from app.kit.networks import SITE_FACTOR
from app.kit.pipeline import Pipeline
from tests import timing_leaks
from tests.fixed_settings import fixed_settings
from tests.page_client import Browser
from tests.people import People
from tests.rows import change_rows, count_rows
from tests.staff import create_member_with_app

WRONG = "wrong long horse"

Ask = Callable[[Browser, str], TestResponse]


@dataclass
class RequestCost:
    """The cost of a request: a line for each hash and each round trip."""

    done: list[object] = field(default_factory=list)

    @contextmanager
    def counted(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        run = Pipeline.run

        def counting(pipeline: Pipeline, statements: Any) -> Any:
            self.done.append([text for text, _parameters in statements])
            return run(pipeline, statements)

        def hashing(name: str) -> Any:
            hash_it = getattr(argon2.PasswordHasher, name)

            def counting_hash(hasher: Any, *args: Any, **kwargs: Any) -> Any:
                self.done.append(name)
                return hash_it(hasher, *args, **kwargs)

            return counting_hash

        with monkeypatch.context() as patch:
            patch.setattr(Pipeline, "run", counting)
            for name in ("hash", "verify"):
                patch.setattr(argon2.PasswordHasher, name, hashing(name))
            yield


def post_sign_in(browser: Browser, email: str) -> TestResponse:
    return browser.sign_in(email, WRONG)


def request_reset_on_page(browser: Browser, email: str) -> TestResponse:
    return browser.submit_form("/auth/forgot-password", "forgot", email=email)


def sign_in_by_api(browser: Browser, email: str) -> TestResponse:
    return browser.client.post("/api/auth/login", json={"email": email, "password": WRONG})


def request_reset_by_api(browser: Browser, email: str) -> TestResponse:
    return browser.client.post("/api/auth/forgot-password", json={"email": email})


@pytest.fixture
def email_addresses(database: Database, people: People) -> list[str]:
    """Return the email addresses of an unknown person, a customer, staff without and with a second
    factor, a suspended person, and an invited one without a password."""
    suspended, admin = people.staff(Role.SUPPORT), people.staff(Role.ADMIN)
    invited = f"{uuid4().hex}@example.com"
    with database.transaction() as session:
        change_rows(session, User, User.id == suspended.user_id, status="suspended")
        names = {"first_name": "A", "last_name": "B"}
        invitations.invite(
            session, admin, email=invited, **names, role="AUDITOR", reason="Joins the team."
        )
    return [
        f"{uuid4().hex}@example.com",
        people.staff(Role.USER).email,
        people.staff(Role.SUPPORT).email,
        create_member_with_app(database).email,
        suspended.email,
        invited,
    ]


def costs_of_requests(
    app: Flask, ask: Ask, emails: list[str], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[int, list[object]]]:
    """Return for each email address the status and the cost of the response."""
    costs = []
    for email in emails:
        browser, work = Browser(app), RequestCost()
        browser.csrf_token()
        with work.counted(monkeypatch):
            response = ask(browser, email)
        costs.append((response.status_code, work.done))
    return costs


@pytest.mark.parametrize(
    ("ask", "status", "hashes"),
    [
        (post_sign_in, 422, 1),
        (request_reset_on_page, 200, 0),
        (sign_in_by_api, 401, 1),
        (request_reset_by_api, 202, 0),
    ],
)
def test_request_costs_the_same_for_known_and_unknown_email_addresses(
    strict_app: Flask,
    email_addresses: list[str],
    monkeypatch: pytest.MonkeyPatch,
    ask: Ask,
    status: int,
    hashes: int,
) -> None:
    costs = costs_of_requests(strict_app, ask, email_addresses, monkeypatch)
    assert [response_status for response_status, _ in costs] == [status] * len(email_addresses)
    works = [work for _, work in costs]
    assert works[0].count("verify") == hashes
    assert len(works[0]) > hashes
    assert all(work == works[0] for work in works[1:])


def _skip_the_hash(patch: pytest.MonkeyPatch) -> None:
    matches = PasswordHashing.matches

    def quick(passwords: PasswordHashing, stored: str | None, password: str) -> bool:
        return stored is not None and matches(passwords, stored, password)

    patch.setattr(PasswordHashing, "matches", quick)


def _read_twice(patch: pytest.MonkeyPatch) -> None:
    begin = sign_in.begin_sign_in

    def read_twice(session: Any, **fields: Any) -> Any:
        attempt = begin(session, **fields)
        if attempt.user_id is not None:
            session.row("SELECT status FROM users WHERE id = %s", (attempt.user_id,))
        return attempt

    patch.setattr(sign_in, "begin_sign_in", read_twice)


@pytest.mark.parametrize("leak", [_skip_the_hash, _read_twice])
def test_control_request_that_costs_more_for_known_emails_is_found(
    strict_app: Flask,
    email_addresses: list[str],
    monkeypatch: pytest.MonkeyPatch,
    leak: Callable[[pytest.MonkeyPatch], None],
) -> None:
    leak(monkeypatch)
    works = [
        work
        for _, work in costs_of_requests(strict_app, post_sign_in, email_addresses[:2], monkeypatch)
    ]
    assert works[0] != works[1]


def test_sign_in_takes_as_long_for_unknown_email_addresses(open_app: Flask) -> None:
    people = People(open_app.extensions["database"])
    known_emails = [people.staff(Role.SUPPORT).email for _ in range(5)]
    unknown_emails = [f"{uuid4().hex}@example.com" for _ in range(5)]
    tokens: dict[FlaskClient, str] = {}

    def ask(client: FlaskClient, email: str) -> TestResponse:
        if client not in tokens:
            browser = Browser(open_app)
            browser.client = client
            tokens[client] = browser.csrf_token()
        form = {"csrf_token": tokens[client], "email": email, "password": WRONG}
        return client.post("/auth/login", data=form)

    timing_leaks.assert_same_timing(open_app, ask, known_emails, unknown_emails, status=422)


def register_by_api(client: FlaskClient, email: str, network: str) -> TestResponse:
    body = {"email": email, "password": "battery staple horse", "firstName": "A", "lastName": "B"}
    return client.post("/api/auth/register", json=body, environ_base={"REMOTE_ADDR": network})


def test_registration_says_the_same_of_customers_and_staff_and_not_often(
    strict_app: Flask, email_addresses: list[str], database: Database
) -> None:
    # As many as the class of the route allows in a minute.
    client, network = strict_app.test_client(), f"198.51.100.{clock.now().second}"
    _unknown, *known = email_addresses
    refused = [register_by_api(client, email, network) for email in known]
    assert {response.status_code for response in refused} == {409}
    assert len({response.json["detail"] for response in refused}) == 1
    for _ in range(RegistrationRules().taken_max - len(known)):
        assert register_by_api(client, known[0], network).status_code == 409
    # From there the network learns nothing, neither of this address nor of a new one.
    for email in (known[0], f"{uuid4().hex}@example.com"):
        late = register_by_api(client, email, network)
        assert (late.status_code, late.json["code"]) == (429, "rate_limited")
        assert int(late.headers["Retry-After"]) > 0
    with database.reading() as session:
        is_case = (Case.kind == PROBING, Case.subject == network)
        assert count_rows(session, Case, *is_case) == 1
    elsewhere = register_by_api(client, f"{uuid4().hex}@example.com", "203.0.113.77")
    assert elsewhere.status_code == 201


def test_networks_of_one_site_learn_ten_times_as_much_in_all(
    strict_app: Flask, email_addresses: list[str]
) -> None:
    client, site = strict_app.test_client(), f"2001:db8:{uuid4().hex[:4]}"
    _unknown, known, *_ = email_addresses
    with fixed_settings(RegistrationRules(taken_max=1)):
        statuses = [
            register_by_api(client, known, f"{site}:{number:x}::1").status_code
            for number in range(SITE_FACTOR + 1)
        ]
        elsewhere = register_by_api(client, known, f"2001:db8:{uuid4().hex[:4]}::1")
    assert statuses == [409] * SITE_FACTOR + [429]
    assert elsewhere.status_code == 409
