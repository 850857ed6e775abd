"""Rate limits: who is counted, in which class, and the headers of the response."""

import re
from collections.abc import Callable
from uuid import uuid4

from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.blueprints import environ_keys
from app.blueprints.rate_limits import RateLimit, network_of
from app.embedded.network_ports import free_port
from tests.blueprints.conftest import SignedInCustomer, check_problem


def left(answer: TestResponse) -> int:
    """What the answer says is left of the default class."""
    said = re.fullmatch(r'"default";r=(\d+);t=([1-9]|[1-5]\d|60)', answer.headers["RateLimit"])
    assert said is not None
    assert answer.headers["RateLimit-Policy"] == '"default";q=100;w=60'
    return int(said[1])


def test_each_request_is_told_what_is_left(customer: SignedInCustomer) -> None:
    url, headers = "/api/probe/things/1", customer.headers()
    answers = [customer.client.get(url, headers=headers) for _ in range(3)]
    # The clock may have passed a window's end once meanwhile.
    assert [left(answer) for answer in answers] in ([99, 98, 97], [99, 98, 99], [99, 99, 98])


def test_a_person_is_counted_wherever_they_are(sign_in: Callable[[], SignedInCustomer]) -> None:
    ada, bob = sign_in(), sign_in()
    url = "/api/probe/things/1"
    ada.client.get(url, headers=ada.headers())
    ada.client.environ_base["REMOTE_ADDR"] = "203.0.113.77"
    assert left(ada.client.get(url, headers=ada.headers())) in {98, 99}
    assert left(bob.client.get(url, headers=bob.headers())) == 99


def test_bad_tokens_count_for_their_address(client: FlaskClient) -> None:
    answers = [
        client.get("/api/auth/me", headers={"Authorization": f"Bearer {number}"})
        for number in range(3)
    ]
    assert left(answers[-1]) in {97, 98, 99}
    assert min(left(answer) for answer in answers) < 99


class TestSignIn:
    def test_is_far_stricter_and_counts_addresses(
        self, client: FlaskClient, sign_in: Callable[[], SignedInCustomer]
    ) -> None:
        headers = sign_in().headers()
        answers = []
        while len(answers) < 25:
            answers.append(client.post("/api/probe/guess", headers=headers))
            if answers[-1].status_code != 204:
                break
        assert 11 <= len(answers) <= 21
        body = check_problem(answers[-1], 429, "rate_limited")
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert answers[-1].headers["RateLimit"].startswith('"sign-in";r=0;t=')
        assert answers[-1].headers["RateLimit-Policy"] == '"sign-in";q=10;w=60'
        assert "At most 10 requests a minute" in body["detail"]

    def test_a_forwarded_address_is_not_believed(self, client: FlaskClient) -> None:
        for _ in range(21):
            answer = client.post("/api/probe/guess", headers={"X-Forwarded-For": str(uuid4())})
        assert answer.status_code == 429


class TestBehindAProxy:
    def test_the_last_hop_is_believed_and_nothing_before_it(
        self, variant: Callable[..., Flask]
    ) -> None:
        """The customer writes the first address, our proxy the last."""
        proxied = variant(proxies=1).test_client()
        ours = f"198.51.100.{uuid4().int % 250}"
        for number in range(21):
            claimed = f"192.0.2.{number}, {ours}"
            answer = proxied.post("/api/probe/guess", headers={"X-Forwarded-For": claimed})
        assert answer.status_code == 429
        other = {"X-Forwarded-For": f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"}
        assert proxied.post("/api/probe/guess", headers=other).status_code == 204


class TestOverride:
    def test_a_number_replaces_every_class(
        self, variant: Callable[..., Flask], address: str
    ) -> None:
        client = variant(rate_limit="3/minute").test_client()
        client.environ_base["REMOTE_ADDR"] = address
        answers = [client.get("/api/trade/prices") for _ in range(7)]
        assert answers[0].headers["RateLimit-Policy"] == '"default";q=3;w=60'
        assert answers[-1].status_code == 429

    def test_off_counts_nobody(self, variant: Callable[..., Flask]) -> None:
        unlimited, routes = variant(rate_limit="off"), []
        unlimited.before_request(lambda: routes.append(request.environ.get(environ_keys.ROUTE)))
        client = unlimited.test_client()
        answers = [client.post("/api/probe/guess") for _ in range(25)]
        assert {answer.status_code for answer in answers} == {204}
        assert "RateLimit" not in answers[0].headers
        # Figures name the route all the same.
        assert set(routes) == {"/api/probe/guess"}


def test_two_applications_share_one_limit_without_redis(
    variant: Callable[..., Flask], address: str
) -> None:
    """With Redis away there is still one sign-in limit, not one for each process; and no 500."""
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    clients = [variant(redis_url=nowhere).test_client() for _ in range(2)]
    statuses = [
        clients[number % 2]
        .post("/api/probe/guess", environ_overrides={"REMOTE_ADDR": address})
        .status_code
        for number in range(24)
    ]
    assert set(statuses) == {204, 429}
    assert 10 <= statuses.count(204) <= 20
    assert clients[0].get("/health/ready").json["status"] == "degraded"


def test_what_counts_as_one_sender() -> None:
    assert network_of("203.0.113.9") == "203.0.113.9"
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1")
    assert network_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("::ffff:203.0.113.9") == "203.0.113.9"
    assert network_of("unix:") == network_of("") == "unknown"


def test_every_route_that_is_not_asked_by_machines_is_limited(app: Flask) -> None:
    unlimited = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "rate_limit", None) is None
    }
    assert unlimited == {
        "/health",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/api/docs",
        "/api/docs/errors",
        "/api/openapi.json",
        "/static/<path:filename>",
    }
    assert RateLimit.SIGN_IN.quota * 10 <= RateLimit.DEFAULT.quota
