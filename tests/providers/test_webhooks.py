"""A webhook is stored once, and only if its provider signed it."""

from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.blueprints.webhooks import BODY_BYTES_MAX
from app.kit.db import Database
from app.kit.ports import provide
from app.kit.tasks import Queue, task
from app.providers import queries as providers_queries
from app.providers.errors import WebhookSignatureInvalid
from app.providers.models import WebhookEvent
from app.providers.ports import ProviderEvent, ProviderFact, WebhookDelivery, WebhookVerifiers
from tests.rows import read_values
from tests.unchanged_database import database_unchanged


class ThingChanged(ProviderFact):
    """A fact that only these tests publish."""


@task("tests.hear", queue=Queue.PAYMENTS, on=ThingChanged)
def handle_event(session: object, *, event_id: str) -> None:
    """Staged, and never run."""


class Probe:
    """A provider whose signature is the word `good`."""

    def verify(self, delivery: WebhookDelivery) -> list[ProviderEvent]:
        if delivery.headers.get("probe-signature") != "good":
            raise WebhookSignatureInvalid
        names = delivery.body.decode().split()
        return [
            ProviderEvent(name, "thing.changed", f"thing of {name}", ThingChanged) for name in names
        ]


@pytest.fixture
def probe_client(open_app: Flask) -> FlaskClient:
    provide(WebhookVerifiers, WebhookVerifiers({"probe": Probe()}))
    return open_app.test_client()


def send(client: FlaskClient, body: str, signature: str = "good") -> int:
    headers = {"Probe-Signature": signature}
    return client.post("/webhooks/probe", data=body, headers=headers).status_code


def staged_event_ids(database: Database) -> list[UUID]:
    with database.reading() as session:
        rows = session.rows("SELECT args FROM outbox WHERE task = 'tests.hear' ORDER BY id")
    return [UUID(args["event_id"]) for (args,) in rows]


def test_each_event_is_stored_and_staged_once(
    probe_client: FlaskClient, database: Database
) -> None:
    before = len(staged_event_ids(database))
    assert [send(probe_client, body) for body in ("a1 a2", "a2", "a2 a3", "a1")] == [204] * 4
    with database.reading() as session:
        events = [
            providers_queries.stored_event(session, event_id)
            for event_id in staged_event_ids(database)[before:]
        ]
        counts = session.rows(
            "SELECT event_id, deliveries FROM webhook_events WHERE provider = 'probe' ORDER BY 1"
        )
    assert [(event.event_id, event.subject, event.body) for event in events] == [
        ("a1", "thing of a1", b"a1 a2"),
        ("a2", "thing of a2", b"a1 a2"),
        ("a3", "thing of a3", b"a2 a3"),
    ]
    assert counts == [("a1", 2), ("a2", 3), ("a3", 1)]


@pytest.mark.parametrize(
    ("path", "signature", "status"), [("probe", "bad", 403), ("no", "good", 404)]
)
def test_unsigned_webhook_or_unknown_provider_changes_nothing(
    probe_client: FlaskClient, database: Database, path: str, signature: str, status: int
) -> None:
    with database_unchanged(database):
        response = probe_client.post(
            f"/webhooks/{path}", data="b1", headers={"Probe-Signature": signature}
        )
    assert response.status_code == status
    assert response.content_type == "application/problem+json"


def test_webhook_without_events_changes_nothing(
    probe_client: FlaskClient, database: Database
) -> None:
    with database_unchanged(database):
        assert send(probe_client, "") == 204


def test_webhook_may_be_larger_than_other_bodies_up_to_its_own_limit(
    probe_client: FlaskClient, database: Database
) -> None:
    # A name, and blanks, which the probe skips.
    assert send(probe_client, f"c1{'':{BODY_BYTES_MAX - 2}}") == 204
    with database_unchanged(database):
        assert send(probe_client, f"c2{'':{BODY_BYTES_MAX - 1}}") == 413


def test_body_of_many_events_is_stored_once(probe_client: FlaskClient, database: Database) -> None:
    names = [f"{uuid4().hex}-{number}" for number in range(550)]
    body = " ".join(names)
    assert send(probe_client, body) == 204
    with database.reading() as session:
        is_ours = WebhookEvent.event_id.in_(names)
        sealed = read_values(session, WebhookEvent.body_sealed, is_ours)
        identifiers = read_values(session, WebhookEvent.id, is_ours)
        bodies = {
            providers_queries.stored_event(session, identifier).body for identifier in identifiers
        }
    assert len(sealed) == 550
    assert sum(len(value or b"") for value in sealed) < len(body) + 500
    assert bodies == {body.encode()}


@pytest.mark.parametrize("name", ["d\0", "d\N{RIGHT-TO-LEFT OVERRIDE}", "d" * 256])
def test_id_that_cannot_be_stored_is_malformed(
    probe_client: FlaskClient, database: Database, name: str
) -> None:
    with database_unchanged(database):
        assert send(probe_client, name) == 400
