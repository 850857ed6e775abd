"""Limits and revocation in two real web processes while Redis is really dead."""

import http.client
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app import embedded
from app.config import Settings
from app.embedded.__main__ import programs
from app.embedded.data_folder import CHECKOUT
from app.embedded.network_ports import free_port
from tests.api_client import PASSWORD

DEFAULT, SIGN_IN, MINUTE = 100, 10, 60
CLIENTS = 6


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class Exchange:
    """Two granian workers on their own database, and a Redis that can be killed."""

    def __init__(self, app: Flask, servers: embedded.Servers, log: Path) -> None:
        settings: Settings = app.extensions["settings"]
        self.servers = servers
        self.port = free_port()
        web = programs(self.port, runs_mail_catcher=False, runs_sandbox=False)[0]
        assert [str(word) for word in web.argv][-3:] == ["--workers", "2", "wsgi:app"]
        environ = {
            **os.environ,
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": servers.urls.redis_url,
            "PBCEX_RATE_LIMIT": "",
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [str(word) for word in web.argv],
                env=environ, cwd=CHECKOUT, stdout=output, stderr=output,
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                if self.send("GET", "/health/live").status == 200:
                    return
            except OSError:
                assert self._process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def send(self, method: str, path: str, body: object = None, token: str | None = None) -> Answer:
        """Send a request on a new connection, so that both workers serve requests."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        response_headers = {name.lower(): value for name, value in response.getheaders()}
        assert response.status < 500, text
        assert response_headers["x-request-id"]
        return Answer(response.status, response_headers, json.loads(text) if text else {})

    def register(self) -> dict[str, Any]:
        """Register a new customer."""
        person = {
            "email": f"{uuid4().hex}@example.com", "password": PASSWORD,
            "firstName": "Ada", "lastName": "Lovelace",
        }  # fmt: skip
        answer = self.send("POST", "/api/auth/register", person)
        assert answer.status == 201, answer
        return answer.body

    def stop(self) -> None:
        """Stop the exchange as the supervisor does."""
        self._process.terminate()
        self._process.wait(30)


@pytest.fixture
def exchange(lone_app: Flask, tmp_path: Path) -> Iterator[Exchange]:
    settings: Settings = lone_app.extensions["settings"]
    external = embedded.ExternalServers(
        database_url=settings.database_url, database_owner_url=settings.database_owner_url
    )
    with embedded.run_servers(tmp_path / "data", external=external) as servers:
        started = Exchange(lone_app, servers, tmp_path / "web.log")
        yield started
        started.stop()


def burst(times: int, send: Any) -> tuple[list[Answer], int]:
    """Return the responses to concurrent clients, and the number of windows they fell into."""
    begins = int(time.time()) // MINUTE
    turn = threading.Semaphore(times)

    def client() -> list[Answer]:
        answers = []
        while turn.acquire(blocking=False):
            answers.append(send())
        return answers

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = [
            a for one in [clients.submit(client) for _ in range(CLIENTS)] for a in one.result()
        ]
    assert len(answers) == times
    return answers, int(time.time()) // MINUTE - begins + 1


def count_accepted(answers: list[Answer], label: str, quota: int) -> int:
    """Return how many responses were accepted; assert that each has the right headers."""
    for answer in answers:
        assert answer.headers["ratelimit-policy"] == f'"{label}";q={quota};w={MINUTE}'
        assert answer.headers["ratelimit"].startswith(f'"{label}";r=')
        assert (answer.status == 429) == ("retry-after" in answer.headers)
        if answer.status == 429:
            assert answer.body["code"] == "rate_limited"
            assert 1 <= int(answer.headers["retry-after"]) <= MINUTE
    return sum(answer.status != 429 for answer in answers)


def test_limits_and_revocation_hold_while_redis_is_down(exchange: Exchange) -> None:
    one, two, three = (exchange.register() for _ in range(3))

    def read(person: dict[str, Any]) -> Answer:
        return exchange.send("GET", "/api/wallet/balances", token=person["accessToken"])

    def guess() -> Answer:
        wrong = {"email": f"{uuid4().hex}@example.com", "password": "a wrong password"}
        return exchange.send("POST", "/api/auth/login", wrong)

    answers, windows = burst(DEFAULT + 30, lambda: read(one))
    assert DEFAULT <= count_accepted(answers, "default", DEFAULT) <= DEFAULT * windows

    exchange.servers.kill_redis()
    ready = exchange.send("GET", "/health/ready")
    assert (ready.status, ready.body["status"]) == (200, "degraded")
    # A new customer has one limit across both processes; one who had used theirs up starts afresh.
    for person in (two, one):
        answers, windows = burst(DEFAULT + 30, lambda person=person: read(person))
        assert DEFAULT <= count_accepted(answers, "default", DEFAULT) <= DEFAULT * windows
    answers, windows = burst(SIGN_IN + 15, guess)
    assert 1 <= count_accepted(answers, "sign-in", SIGN_IN) <= SIGN_IN * windows
    assert {answer.status for answer in answers} == {401, 429}

    # An ended session is refused by every process.
    token = three["accessToken"]
    assert read(three).status == 200
    assert exchange.send("POST", "/api/auth/logout", token=token).status == 204
    answers, _ = burst(40, lambda: read(three))
    assert {(answer.status, answer.body["code"]) for answer in answers} == {(401, "token_invalid")}
    refused = exchange.send("POST", "/api/auth/refresh", {"refreshToken": three["refreshToken"]})
    assert refused.status in {401, 429}

    exchange.servers.start_redis()
    deadline = time.monotonic() + 10
    while exchange.send("GET", "/health/ready").body["status"] != "ok":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # Redis restarts empty, so a window in which it failed and returned may start over once more.
    answers, windows = burst(2 * DEFAULT + 60, lambda: read(two))
    assert count_accepted(answers, "default", DEFAULT) <= DEFAULT * (windows + 1)
    assert exchange.send("GET", "/api/wallet/balances", token=token).status in {401, 429}
