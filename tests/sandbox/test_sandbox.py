"""Faults happen as scheduled, and a webhook is repeated until it is accepted."""

import hmac
import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from flask import Flask, Response, request

from sandbox import clock
from sandbox.app import create_app, serve
from sandbox.faults import FaultMode, FaultSchedule
from sandbox.provider import SandboxProvider, store, webhook_queue
from sandbox.store import Store
from sandbox.webhooks import WebhookQueue

KEY = b"a key of tests"


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    key = b"another" if forged else KEY
    signed = hmac.digest(key, url.encode() + body, "sha256").hex()
    return {"Probe-Signature": signed, "Probe-Time": str(int(at))}


def probe() -> SandboxProvider:
    provider = SandboxProvider("probe", "Probe", sign=sign)

    @provider.operation("POST", "/things", "things.create")
    def create() -> Response:
        count_things = len(store().find("probe", "thing")) + 1
        thing = store().put(
            "probe", "thing", f"thing_{count_things}", {**request.get_json(), "n": count_things}
        )
        webhook_queue().send("probe", json.dumps({"event": count_things}))
        return Response(json.dumps(thing), 201, content_type="application/json")

    @provider.control("POST", "/forget")
    def forget() -> Response:
        """Delete a thing: {"id"}."""
        store().delete("probe", "thing", request.get_json()["id"])
        return Response(status=204)

    return provider


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Flask]:
    documents = Store(str(tmp_path / "sandbox.sqlite"))
    yield create_app(documents, exchange_url="http://exchange", providers={"probe": probe()})
    documents.close()


@pytest.fixture
def url(sandbox: Flask) -> Iterator[str]:
    with serve(sandbox) as url:
        yield url


def count_things(sandbox: Flask) -> int:
    store: Store = sandbox.extensions["store"]
    return len(store.find("probe", "thing"))


def test_call_without_a_fault_creates_the_object(sandbox: Flask, url: str) -> None:
    response = httpx.post(f"{url}/probe/things", json={"a": 1})
    assert (response.status_code, response.json()) == (201, {"a": 1, "n": 1})
    assert count_things(sandbox) == 1


@pytest.mark.parametrize(
    ("mode", "status", "expected_things"),
    [
        (FaultMode.DOWN, 503, 0),
        (FaultMode.ERROR_BEFORE, 500, 0),
        (FaultMode.ERROR_AFTER, 500, 1),
        (FaultMode.LIMITED, 429, 0),
        (FaultMode.UNAUTHORIZED, 401, 0),
        (FaultMode.GARBAGE, 200, 1),
        (FaultMode.SLOW, 201, 1),
    ],
)
def test_fault_changes_the_response(
    sandbox: Flask, url: str, mode: FaultMode, status: int, expected_things: int
) -> None:
    sandbox.extensions["faults"].schedule("probe", "things.*", mode, seconds=0.01)
    assert httpx.post(f"{url}/probe/things", json={}).status_code == status
    assert count_things(sandbox) == expected_things
    assert httpx.post(f"{url}/probe/things", json={}).status_code == 201


@pytest.mark.parametrize(
    ("mode", "expected_things"),
    [
        (FaultMode.HANG_UP_BEFORE, 0),
        (FaultMode.HANG_UP_AFTER, 1),
        (FaultMode.TIMEOUT_BEFORE, 0),
        (FaultMode.TIMEOUT_AFTER, 1),
    ],
)
def test_fault_closes_the_connection_or_times_out(
    sandbox: Flask, url: str, mode: FaultMode, expected_things: int
) -> None:
    sandbox.extensions["faults"].schedule("probe", "things.create", mode, seconds=0.3)
    error = httpx.ReadTimeout if "timeout" in mode else httpx.RemoteProtocolError
    with pytest.raises(error):
        httpx.post(f"{url}/probe/things", json={}, timeout=0.1 if "timeout" in mode else 5)
    assert count_things(sandbox) == expected_things


def test_fault_happens_the_scheduled_number_of_times_in_its_operation(
    sandbox: Flask, url: str
) -> None:
    faults: FaultSchedule = sandbox.extensions["faults"]
    faults.schedule("probe", "other.*", FaultMode.DOWN)
    faults.schedule("probe", "things.*", FaultMode.DOWN, times=2)
    statuses = [httpx.post(f"{url}/probe/things", json={}).status_code for _ in range(3)]
    assert statuses == [503, 503, 201]
    assert [fault.operation for fault in faults.pending()] == ["other.*"]


def test_faults_are_scheduled_over_http(sandbox: Flask) -> None:
    client = sandbox.test_client()
    fault = {"provider": "probe", "operation": "*", "mode": "down", "times": 3}
    assert client.post("/_sandbox/faults", json=fault).status_code == 200
    assert client.post("/_sandbox/faults", data=fault).status_code == 303
    [first, _] = client.get("/_sandbox/faults").get_json()
    assert {name: first[name] for name in fault} == fault
    for change in ({"mode": "no"}, {"mode": "late"}, {"times": "x"}, {"provider": "x"}):
        assert client.post("/_sandbox/faults", json=fault | change).status_code in {400, 404}
    client.post("/_sandbox/faults/clear")
    assert client.get("/_sandbox/faults").get_json() == []


def test_clock_is_set_over_http_and_runs_on_until_it_is_set_right(sandbox: Flask) -> None:
    client = sandbox.test_client()
    try:
        response = client.post("/_sandbox/clock", json={"at": "2026-02-03T04:05:06Z"})
        assert response.get_json()["now"].startswith("2026-02-03T04:05:0")
        assert clock.now() == pytest.approx(
            datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC).timestamp(), abs=5
        )
        for wrong in ("yesterday", "2026-02-03T04:05:06", 7):
            assert client.post("/_sandbox/clock", json={"at": wrong}).status_code == 400
    finally:
        assert client.post("/_sandbox/clock", data={"at": ""}).status_code == 303
    assert clock.now() == pytest.approx(time.time(), abs=5)


def test_failed_call_stores_nothing(sandbox: Flask) -> None:
    documents_store: Store = sandbox.extensions["store"]

    def fail() -> None:
        with documents_store.transaction():
            documents_store.put("probe", "thing", "x", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count_things(sandbox) == 0


def test_documents_survive_a_restart(sandbox: Flask, tmp_path: Path) -> None:
    sandbox.extensions["store"].put("probe", "thing", "x", {"a": [1, None, True]})
    reopened = Store(str(tmp_path / "sandbox.sqlite"))
    assert reopened.get("probe", "thing", "x") == {"a": [1, None, True]}
    assert reopened.get("probe", "thing", "y") is None
    reopened.close()


class TestWebhooks:
    @pytest.fixture
    def received(self, sandbox: Flask) -> list[tuple[bytes, dict[str, str]]]:
        """Return the received webhooks. The receiver replies 503 unless `self.is_accepting`."""
        received_webhooks: list[tuple[bytes, dict[str, str]]] = []

        def post(url: str, body: bytes, headers: dict[str, str]) -> int:
            assert url == "http://exchange/webhooks/probe"
            received_webhooks.append((body, headers))
            return 204 if self.is_accepting else 503

        self.is_accepting = True
        sandbox.extensions["webhooks"].post = post
        return received_webhooks

    def send(self, sandbox: Flask, mode: FaultMode | None = None) -> WebhookQueue:
        if mode:
            sandbox.extensions["faults"].schedule("probe", "webhook", mode, seconds=30)
        sandbox.test_client().post("/probe/things", json={})
        queue: WebhookQueue = sandbox.extensions["webhooks"]
        queue.deliver_due()
        return queue

    def is_genuine(self, body: bytes, headers: dict[str, str]) -> bool:
        expected = sign("http://exchange/webhooks/probe", body, at=0, forged=False)
        return headers["Probe-Signature"] == expected["Probe-Signature"]

    def test_webhook_is_signed_and_repeated_until_accepted(
        self, sandbox: Flask, received: list
    ) -> None:
        self.is_accepting = False
        queue = self.send(sandbox)
        assert queue.deliver_due() == 0  # the next try is due in a second
        [webhook] = queue.all()
        assert (webhook.state, webhook.tries, webhook.status) == ("due", 1, 503)
        [(body, headers)] = received
        assert body == b'{"event": 1}'
        assert self.is_genuine(body, headers)

    @pytest.mark.parametrize(
        ("mode", "genuine"),
        [(FaultMode.FORGED, 0), (FaultMode.TAMPERED, 0), (FaultMode.DUPLICATE, 2)],
    )
    def test_forged_tampered_and_duplicate_webhooks_are_sent(
        self, sandbox: Flask, received: list, mode: FaultMode, genuine: int
    ) -> None:
        self.send(sandbox, mode)
        assert sum(self.is_genuine(*webhook) for webhook in received) == genuine
        assert len(received) == max(genuine, 1)

    def test_lost_or_late_webhooks_are_not_sent_now(self, sandbox: Flask, received: list) -> None:
        assert [webhook.state for webhook in self.send(sandbox, FaultMode.LOST).all()] == ["lost"]
        assert [webhook.state for webhook in self.send(sandbox, FaultMode.LATE).all()] == [
            "lost",
            "due",
        ]
        assert received == []


def test_page_shows_documents_faults_and_webhooks(sandbox: Flask) -> None:
    client = sandbox.test_client()
    client.post("/probe/things", json={"note": "<b>"})
    sandbox.extensions["faults"].schedule("probe", "things.create", FaultMode.SLOW, times=7)
    page = client.get("/").text
    assert "things.create: slow, 7 times left" in page
    assert "/webhooks/probe" in page
    assert client.get("/_sandbox/probe/thing").get_json() == [{"note": "<b>", "n": 1}]


def test_form_on_the_page_runs_a_control(sandbox: Flask) -> None:
    client = sandbox.test_client()
    client.post("/probe/things", json={})
    assert "Delete a thing" in client.get("/").text
    form = {"path": "/probe/_control/forget", "body": "{}"}
    refused = client.post("/_sandbox/acts", data=form)
    assert (refused.status_code, "The field id is missing." in refused.text) == (400, True)
    for change in ({"path": "/probe/things"}, {"body": "{"}):
        assert client.post("/_sandbox/acts", data=form | change).status_code == 400
    assert count_things(sandbox) == 1
    response = client.post("/_sandbox/acts", data=form | {"body": '{"id": "thing_1"}'})
    assert (response.status_code, count_things(sandbox)) == (303, 0)


def test_sandbox_listens_on_loopback_only(sandbox: Flask) -> None:
    with (
        serve(sandbox) as url,
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as connection,
    ):
        assert connection.getsockname()[0] == "127.0.0.1"
