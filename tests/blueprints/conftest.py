"""The application with the probe routes, and signed-in customers who call them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.access import Actor
from app.config import Settings
from app.factory import create_app
from app.identity.accounts import email_verification
from app.identity.accounts import service as accounts
from app.kit.db import Database
from app.privacy import consents
from tests import staff
from tests.api_client import ApiClient
from tests.blueprints import probe
from tests.page_client import Browser
from tests.people import People

PROBLEM = "application/problem+json"


def create_app_with_probe(settings: Settings) -> Flask:
    """Return a new application that also serves the probe routes."""
    app = create_app(settings)
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    api.register_blueprint(probe.blp)
    return app


@pytest.fixture(scope="session")
def probe_app(app: Flask) -> Iterator[Flask]:
    """Return an application with the probe routes, on the tests' database."""
    probe_app = create_app_with_probe(app.extensions["settings"])
    yield probe_app
    probe_app.extensions["database"].engine.dispose()


@pytest.fixture
def variant(app: Flask) -> Iterator[Callable[..., Flask]]:
    """Return a function that creates an application with these settings and the probe routes."""
    apps: list[Flask] = []

    def make(**changes: object) -> Flask:
        apps.append(create_app_with_probe(app.extensions["settings"].model_copy(update=changes)))
        return apps[-1]

    yield make
    for variant_app in apps:
        variant_app.extensions["database"].engine.dispose()


@pytest.fixture
def ip_address() -> str:
    """Return an IP address in a network that no other test uses."""
    return f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"


@pytest.fixture
def client(probe_app: Flask, ip_address: str) -> FlaskClient:
    """Return a client whose requests come from that IP address."""
    client = probe_app.test_client()
    client.environ_base["REMOTE_ADDR"] = ip_address
    return client


@pytest.fixture
def newcomer(app: Flask) -> ApiClient:
    """A customer who registered and has not confirmed their email address."""
    client = ApiClient(app)
    client.register()
    return client


@pytest.fixture
def visitor(app: Flask) -> Browser:
    """A browser without a session."""
    return Browser(app)


@pytest.fixture
def browser(app: Flask, admin: Actor) -> Browser:
    """A browser in which an administrator is signed in."""
    return staff.sign_in(app, admin)


@pytest.fixture
def officer_browser(app: Flask, officer: Actor) -> Browser:
    """A browser in which a compliance officer is signed in."""
    return staff.sign_in(app, officer)


@dataclass(frozen=True)
class SignedInCustomer:
    """A customer who is signed in, and the client of their program."""

    user_id: UUID
    token: str
    client: FlaskClient

    def headers(self, **more: str) -> dict[str, str]:
        """Return the Authorization header and these; names are written with `_` for `-`."""
        return {"Authorization": f"Bearer {self.token}"} | {
            name.replace("_", "-"): value for name, value in more.items()
        }

    def request_gift(self, key: str | None = None, **body: Any) -> TestResponse:
        """Request a gift from the probe: one dollar, unless the body says otherwise."""
        payload = {"assetCode": "USD", "amount": "1.00", **body}
        headers = self.headers(Idempotency_Key=key or uuid4().hex)
        return self.client.post("/api/probe/gifts", json=payload, headers=headers)


@pytest.fixture
def sign_in(database: Database, client: FlaskClient) -> Callable[[], SignedInCustomer]:
    """Return a function that registers a customer and signs them in."""

    def make() -> SignedInCustomer:
        registration = accounts.prepare_registration(
            email=f"{uuid4().hex}@example.com",
            password="a long enough passphrase",
            first_name="Ada",
            last_name="Lovelace",
        )
        with database.transaction() as session:
            logged_in = accounts.register(session, registration)
            email_verification.confirm_email(session, logged_in.user.id)
            consents.accept_required_policies(session, logged_in.user.id)
        return SignedInCustomer(logged_in.user.id, logged_in.access_token, client)

    return make


@pytest.fixture
def customer(sign_in: Callable[[], SignedInCustomer]) -> SignedInCustomer:
    """Return a new customer who is signed in."""
    return sign_in()


@pytest.fixture
def dollar_balance(people: People, customer: SignedInCustomer) -> Callable[[], str]:
    """Return a function that reads the customer's posted balance, in cents: `0` without one."""

    def read_balance() -> str:
        with people.database.reading() as session:
            row = session.row(
                "SELECT b.posted FROM balances b JOIN accounts a ON a.id = b.account_id"
                " WHERE a.owner_id = %s AND a.asset = 'USD'",
                (customer.user_id,),
            )
        return str(row[0]) if row else "0"

    return read_balance


def check_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Assert that the response is this problem, whole, and return its body."""
    assert (response.status_code, response.content_type) == (status, PROBLEM), response.text
    body: dict[str, Any] = response.json
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"/api/docs/errors#{code}"
    assert body["requestId"] == response.headers["X-Request-Id"]
    assert body["title"]
    assert body["detail"]
    assert ("errors" in body) == (status == 422)
    return body
