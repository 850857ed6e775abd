"""The application with the probe, and customers who can call it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.config import Settings
from app.factory import create_app
from app.identity.accounts import email_verification
from app.identity.accounts import service as accounts
from app.kit.db import Database
from tests.blueprints import probe
from tests.people import People

PROBLEM = "application/problem+json"


def create_app_with_probe(settings: Settings) -> Flask:
    """An application of its own that also serves the probe."""
    app = create_app(settings)
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    api.register_blueprint(probe.blp)
    return app


@pytest.fixture(scope="session")
def probe_app(app: Flask) -> Iterator[Flask]:
    """The tests' application with the probe, on the same database."""
    probed = create_app_with_probe(app.extensions["settings"])
    yield probed
    probed.extensions["database"].engine.dispose()


@pytest.fixture
def variant(app: Flask) -> Iterator[Callable[..., Flask]]:
    """Makes applications like the tests' own with other settings, and the probe."""
    made: list[Flask] = []

    def make(**changes: object) -> Flask:
        made.append(create_app_with_probe(app.extensions["settings"].model_copy(update=changes)))
        return made[-1]

    yield make
    for one in made:
        one.extensions["database"].engine.dispose()


@pytest.fixture
def address() -> str:
    """A network that no other test comes from."""
    return f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"


@pytest.fixture
def client(probe_app: Flask, address: str) -> FlaskClient:
    """A client from that network."""
    client = probe_app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


@dataclass(frozen=True)
class SignedInCustomer:
    """A customer and what their program sends."""

    user_id: UUID
    token: str
    client: FlaskClient

    def headers(self, **more: str) -> dict[str, str]:
        """The token, and headers by name with `_` for `-`."""
        return {"Authorization": f"Bearer {self.token}"} | {
            name.replace("_", "-"): value for name, value in more.items()
        }

    def request_gift(self, key: str | None = None, **body: Any) -> TestResponse:
        """Ask the probe for a gift of one dollar."""
        asked = {"assetCode": "USD", "amount": "1.00", **body}
        headers = self.headers(Idempotency_Key=key or uuid4().hex)
        return self.client.post("/api/probe/gifts", json=asked, headers=headers)


@pytest.fixture
def sign_in(database: Database, client: FlaskClient) -> Callable[[], SignedInCustomer]:
    """Makes a new customer who is logged in."""

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
        return SignedInCustomer(logged_in.user.id, logged_in.access_token, client)

    return make


@pytest.fixture
def customer(sign_in: Callable[[], SignedInCustomer]) -> SignedInCustomer:
    """A new customer who is logged in."""
    return sign_in()


@pytest.fixture
def dollar_balance(people: People, customer: SignedInCustomer) -> Callable[[], str]:
    """What the customer was given so far: `0` when nothing."""

    def posted() -> str:
        with people.database.reading() as session:
            row = session.row(
                "SELECT b.posted FROM balances b JOIN accounts a ON a.id = b.account_id"
                " WHERE a.owner_id = %s AND a.asset = 'USD'",
                (customer.user_id,),
            )
        return str(row[0]) if row else "0"

    return posted


def check_problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem that was answered; its shape is checked on the way."""
    assert (answer.status_code, answer.content_type) == (status, PROBLEM), answer.text
    body: dict[str, Any] = answer.json
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"/api/docs/errors#{code}"
    assert body["requestId"] == answer.headers["X-Request-Id"]
    assert body["title"]
    assert body["detail"]
    assert ("errors" in body) == (status == 422)
    return body
