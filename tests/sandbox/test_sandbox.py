"""What goes wrong on order goes wrong as ordered, and a webhook comes until it is taken."""

import hmac
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask import Flask, Response, request

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
        things = len(store().find("probe", "thing")) + 1
        thing = store().put(
            "probe", "thing", f"thing_{things}", {**request.get_json(), "n": things}
        )
        webhook_queue().send("probe", json.dumps({"event": things}))
        return Response(json.dumps(thing), 201, content_type="application/json")

    @provider.control("POST", "/forget")
    def forget() -> Response:
        """A thing is forgotten: {"id"}."""
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


def things(sandbox: Flask) -> int:
    documents: Store = sandbox.extensions["store"]
    return len(documents.find("probe", "thing"))


def test_without_faults_it_is_done(sandbox: Flask, url: str) -> None:
    answer = httpx.post(f"{url}/probe/things", json={"a": 1})
    assert (answer.status_code, answer.json()) == (201, {"a": 1, "n": 1})
    assert things(sandbox) == 1


@pytest.mark.parametrize(
    ("mode", "status", "done"),
    [
        (FaultMode.DOWN, 503, 0),
        (FaultMode.ERROR_BEFORE, 500, 0),
        (FaultMode.ERROR_AFTER, 500, 1),
        (FaultMode.GARBAGE, 200, 1),
        (FaultMode.SLOW, 201, 1),
    ],
)
def test_it_answers_wrongly(
    sandbox: Flask, url: str, mode: FaultMode, status: int, done: int
) -> None:
    sandbox.extensions["faults"].schedule("probe", "things.*", mode, seconds=0.01)
    assert httpx.post(f"{url}/probe/things", json={}).status_code == status
    assert things(sandbox) == done
    assert httpx.post(f"{url}/probe/things", json={}).status_code == 201


@pytest.mark.parametrize(
    ("mode", "done"),
    [
        (FaultMode.HANG_UP_BEFORE, 0),
        (FaultMode.HANG_UP_AFTER, 1),
        (FaultMode.TIMEOUT_BEFORE, 0),
        (FaultMode.TIMEOUT_AFTER, 1),
    ],
)
def test_it_does_not_answer(sandbox: Flask, url: str, mode: FaultMode, done: int) -> None:
    sandbox.extensions["faults"].schedule("probe", "things.create", mode, seconds=0.3)
    kind = httpx.ReadTimeout if "timeout" in mode else httpx.RemoteProtocolError
    with pytest.raises(kind):
        httpx.post(f"{url}/probe/things", json={}, timeout=0.1 if "timeout" in mode else 5)
    assert things(sandbox) == done


def test_a_fault_happens_so_many_times_and_only_there(sandbox: Flask, url: str) -> None:
    faults: FaultSchedule = sandbox.extensions["faults"]
    faults.schedule("probe", "other.*", FaultMode.DOWN)
    faults.schedule("probe", "things.*", FaultMode.DOWN, times=2)
    statuses = [httpx.post(f"{url}/probe/things", json={}).status_code for _ in range(3)]
    assert statuses == [503, 503, 201]
    assert [fault.operation for fault in faults.pending()] == ["other.*"]


def test_faults_are_ordered_over_http(sandbox: Flask) -> None:
    client = sandbox.test_client()
    ordered = {"provider": "probe", "operation": "*", "mode": "down", "times": 3}
    assert client.post("/_sandbox/faults", json=ordered).status_code == 200
    assert client.post("/_sandbox/faults", data=ordered).status_code == 303
    [one, _] = client.get("/_sandbox/faults").get_json()
    assert {name: one[name] for name in ordered} == ordered
    for wrong in ({"mode": "no"}, {"mode": "late"}, {"times": "x"}, {"provider": "x"}):
        assert client.post("/_sandbox/faults", json=ordered | wrong).status_code in {400, 404}
    client.post("/_sandbox/faults/clear")
    assert client.get("/_sandbox/faults").get_json() == []


def test_a_failed_call_leaves_nothing_behind(sandbox: Flask) -> None:
    documents: Store = sandbox.extensions["store"]

    def fail() -> None:
        with documents.transaction():
            documents.put("probe", "thing", "x", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert things(sandbox) == 0


def test_what_it_knows_outlives_it(sandbox: Flask, tmp_path: Path) -> None:
    sandbox.extensions["store"].put("probe", "thing", "x", {"a": [1, None, True]})
    again = Store(str(tmp_path / "sandbox.sqlite"))
    assert again.get("probe", "thing", "x") == {"a": [1, None, True]}
    assert again.get("probe", "thing", "y") is None
    again.close()


class TestWebhooks:
    @pytest.fixture
    def taken(self, sandbox: Flask) -> list[tuple[bytes, dict[str, str]]]:
        """What arrives; the first two tries find nobody."""
        came: list[tuple[bytes, dict[str, str]]] = []

        def post(url: str, body: bytes, headers: dict[str, str]) -> int:
            assert url == "http://exchange/webhooks/probe"
            came.append((body, headers))
            return 204 if self.answers else 503

        self.answers = True
        sandbox.extensions["webhooks"].post = post
        return came

    def sent(self, sandbox: Flask, mode: FaultMode | None = None) -> WebhookQueue:
        if mode:
            sandbox.extensions["faults"].schedule("probe", "webhook", mode, seconds=30)
        sandbox.test_client().post("/probe/things", json={})
        deliveries: WebhookQueue = sandbox.extensions["webhooks"]
        deliveries.deliver_due()
        return deliveries

    def is_genuine(self, body: bytes, headers: dict[str, str]) -> bool:
        made = sign("http://exchange/webhooks/probe", body, at=0, forged=False)
        return headers["Probe-Signature"] == made["Probe-Signature"]

    def test_come_signed_until_they_are_taken(self, sandbox: Flask, taken: list) -> None:
        self.answers = False
        deliveries = self.sent(sandbox)
        assert deliveries.deliver_due() == 0  # it waits a second
        [delivery] = deliveries.all()
        assert (delivery.state, delivery.tries, delivery.status) == ("due", 1, 503)
        [(body, headers)] = taken
        assert body == b'{"event": 1}'
        assert self.is_genuine(body, headers)

    @pytest.mark.parametrize(
        ("mode", "genuine"),
        [(FaultMode.FORGED, 0), (FaultMode.TAMPERED, 0), (FaultMode.DUPLICATE, 2)],
    )
    def test_go_wrong_as_ordered(
        self, sandbox: Flask, taken: list, mode: FaultMode, genuine: int
    ) -> None:
        self.sent(sandbox, mode)
        assert sum(self.is_genuine(*each) for each in taken) == genuine
        assert len(taken) == max(genuine, 1)

    def test_are_lost_or_late(self, sandbox: Flask, taken: list) -> None:
        assert [each.state for each in self.sent(sandbox, FaultMode.LOST).all()] == ["lost"]
        assert [each.state for each in self.sent(sandbox, FaultMode.LATE).all()] == ["lost", "due"]
        assert taken == []


def test_the_page_shows_what_there_is(sandbox: Flask) -> None:
    client = sandbox.test_client()
    client.post("/probe/things", json={"note": "<b>"})
    sandbox.extensions["faults"].schedule("probe", "things.create", FaultMode.SLOW, times=7)
    page = client.get("/").text
    assert "things.create: slow, 7 times left" in page
    assert "/webhooks/probe" in page
    assert client.get("/_sandbox/probe/thing").get_json() == [{"note": "<b>", "n": 1}]


def test_a_form_of_the_page_does_what_the_world_does(sandbox: Flask) -> None:
    client = sandbox.test_client()
    client.post("/probe/things", json={})
    assert "A thing is forgotten" in client.get("/").text
    act = {"path": "/probe/_control/forget", "body": "{}"}
    refused = client.post("/_sandbox/acts", data=act)
    assert (refused.status_code, "The field id is missing." in refused.text) == (400, True)
    for wrong in ({"path": "/probe/things"}, {"body": "{"}):
        assert client.post("/_sandbox/acts", data=act | wrong).status_code == 400
    assert things(sandbox) == 1
    done = client.post("/_sandbox/acts", data=act | {"body": '{"id": "thing_1"}'})
    assert (done.status_code, things(sandbox)) == (303, 0)


def test_it_listens_to_this_machine_alone(sandbox: Flask) -> None:
    with (
        serve(sandbox) as url,
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as line,
    ):
        assert line.getsockname()[0] == "127.0.0.1"
