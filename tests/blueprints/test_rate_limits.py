"""Rate limits: by person or network, their classes, and the headers of the response."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.blueprints import environ_keys
from app.blueprints.rate_limits import RateLimit
from app.embedded.network_ports import free_port
from app.kit import clock
from app.kit.networks import SITE_FACTOR
from tests.blueprints.conftest import SignedInCustomer, check_problem


def requests_left(response: TestResponse) -> int:
    """Return how many requests of the default class are left, as the response states it."""
    match = re.fullmatch(r'"default";r=(\d+);t=([1-9]|[1-5]\d|60)', response.headers["RateLimit"])
    assert match is not None
    assert response.headers["RateLimit-Policy"] == '"default";q=100;w=60'
    return int(match[1])


def test_each_response_states_how_many_requests_are_left(customer: SignedInCustomer) -> None:
    url, headers = "/api/probe/things/1", customer.headers()
    responses = [customer.client.get(url, headers=headers) for _ in range(3)]
    # A new window may have begun between two of the requests.
    assert [requests_left(response) for response in responses] in (
        [99, 98, 97],
        [99, 98, 99],
        [99, 99, 98],
    )


def test_person_is_counted_from_every_ip_address(sign_in: Callable[[], SignedInCustomer]) -> None:
    ada, bob = sign_in(), sign_in()
    url = "/api/probe/things/1"
    ada.client.get(url, headers=ada.headers())
    ada.client.environ_base["REMOTE_ADDR"] = "203.0.113.77"
    assert requests_left(ada.client.get(url, headers=ada.headers())) in {98, 99}
    assert requests_left(bob.client.get(url, headers=bob.headers())) == 99


def test_requests_with_invalid_tokens_count_for_their_ip_address(client: FlaskClient) -> None:
    responses = [
        client.get("/api/auth/me", headers={"Authorization": f"Bearer {number}"})
        for number in range(3)
    ]
    assert requests_left(responses[-1]) in {97, 98, 99}
    assert min(requests_left(response) for response in responses) < 99


class TestSignIn:
    def test_sign_in_limit_is_stricter_and_counts_ip_addresses(
        self, client: FlaskClient, sign_in: Callable[[], SignedInCustomer]
    ) -> None:
        headers = sign_in().headers()
        responses = []
        while len(responses) < 25:
            responses.append(client.post("/api/probe/guess", headers=headers))
            if responses[-1].status_code != 204:
                break
        assert 11 <= len(responses) <= 21
        body = check_problem(responses[-1], 429, "rate_limited")
        assert 1 <= int(responses[-1].headers["Retry-After"]) <= 60
        assert responses[-1].headers["RateLimit"].startswith('"sign-in";r=0;t=')
        assert responses[-1].headers["RateLimit-Policy"] == '"sign-in";q=10;w=60'
        assert "At most 10 requests a minute" in body["detail"]

    def test_forwarded_address_is_ignored_without_a_proxy(self, client: FlaskClient) -> None:
        for _ in range(21):
            response = client.post("/api/probe/guess", headers={"X-Forwarded-For": str(uuid4())})
        assert response.status_code == 429


class TestBehindAProxy:
    def test_only_the_last_forwarded_address_counts_behind_a_proxy(
        self, variant: Callable[..., Flask]
    ) -> None:
        """The client can write the first IP address; our proxy writes the last."""
        client = variant(proxies=1).test_client()
        proxy_address = f"198.51.100.{uuid4().int % 250}"
        for number in range(21):
            forwarded = f"192.0.2.{number}, {proxy_address}"
            response = client.post("/api/probe/guess", headers={"X-Forwarded-For": forwarded})
        assert response.status_code == 429
        other_headers = {"X-Forwarded-For": f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"}
        assert client.post("/api/probe/guess", headers=other_headers).status_code == 204

    def test_forwarded_address_counts_without_its_port_and_brackets(
        self, variant: Callable[..., Flask]
    ) -> None:
        app, seen = variant(proxies=1), []
        app.before_request(lambda: seen.append(request.remote_addr))
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = "198.51.100.9"
        for entry in (
            "203.0.113.7:50001",
            "[2001:db8::7]:50001",
            "[2001:db8::7]",
            "203.0.113.8, 203.0.113.7:1",
            "unknown",
            "203.0.113.7:50001:1",
            "[2001:db8::7",
            "",
        ):
            client.get("/api/trade/prices", headers={"X-Forwarded-For": entry})
        assert seen == [
            "203.0.113.7",
            "2001:db8::7",
            "2001:db8::7",
            "203.0.113.7",
            *["198.51.100.9"] * 4,
        ]


class TestRefusedCredentials:
    """A credential that the database refuses is counted for the network of its sender."""

    URL = "/api/probe/things/1"

    def test_signed_out_token_never_spends_its_owners_limit(
        self, customer: SignedInCustomer, ip_address: str
    ) -> None:
        client, stolen = customer.client, customer.headers()
        email = client.get("/api/auth/me", headers=stolen).json["email"]
        credentials = {"email": email, "password": "a long enough passphrase"}
        token = client.post("/api/auth/login", json=credentials).json["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        assert client.post("/api/auth/logout", headers=stolen).status_code == 204
        thief = {"REMOTE_ADDR": ip_address.replace("::1", "1::1")}
        with time_machine.travel(clock.now() + timedelta(minutes=1), tick=False):
            statuses = [
                client.get(path, headers=stolen, environ_overrides=thief).status_code
                for path in (self.URL, "/api/trade/prices")
                for _ in range(101)
            ]
            assert statuses == [401] * 100 + [429] * 102
            assert requests_left(client.get(self.URL, headers=headers)) == 99

    def test_public_route_counts_each_token_apart(self, customer: SignedInCustomer) -> None:
        """There the database is not asked whether the token is still valid."""
        url = "/api/trade/prices"
        with time_machine.travel(clock.now() + timedelta(minutes=1), tick=False):
            customer.client.get(url, headers=customer.headers())
            assert requests_left(customer.client.get(url, headers=customer.headers())) == 98
            assert requests_left(customer.client.get(self.URL, headers=customer.headers())) == 99

    def test_revoked_key_never_spends_its_owners_limit(self, customer: SignedInCustomer) -> None:
        client, headers = customer.client, customer.headers()
        body = {"name": "bot", "scopes": ["own:balances:read"]}
        key = client.post("/api/me/api-keys", headers=headers, json=body).json
        url = "/api/wallet/statements?account=trading"
        revoked = {"Authorization": f"Bearer {key['key']}"}
        client.delete(f"/api/me/api-keys/{key['id']}", headers=headers)
        with time_machine.travel(clock.now() + timedelta(minutes=1), tick=False):
            statuses = [client.get(url, headers=revoked).status_code for _ in range(21)]
            assert statuses == [401] * 20 + [429]
            mine = client.get(url, headers=headers)
            assert mine.status_code == 200
            assert mine.headers["RateLimit"].startswith('"statement";r=19;')


def test_ipv6_networks_of_one_site_share_ten_times_the_limit(
    variant: Callable[..., Flask],
) -> None:
    client, site = variant(rate_limit="2/minute").test_client(), f"2001:db8:{uuid4().hex[:4]}"
    statuses = []
    with time_machine.travel(clock.now(), tick=False):
        for number in range(2 * SITE_FACTOR + 1):
            address = {"REMOTE_ADDR": f"{site}:{number:x}::1"}
            statuses.append(client.get("/api/trade/prices", environ_overrides=address).status_code)
        other = {"REMOTE_ADDR": f"2001:db8:{uuid4().hex[:4]}::1"}
        assert client.get("/api/trade/prices", environ_overrides=other).status_code == 200
    assert statuses == [200] * 2 * SITE_FACTOR + [429]


class TestOverride:
    def test_configured_limit_replaces_every_class(
        self, variant: Callable[..., Flask], ip_address: str
    ) -> None:
        client = variant(rate_limit="3/minute").test_client()
        client.environ_base["REMOTE_ADDR"] = ip_address
        responses = [client.get("/api/trade/prices") for _ in range(7)]
        assert responses[0].headers["RateLimit-Policy"] == '"default";q=3;w=60'
        assert responses[-1].status_code == 429

    def test_limits_turned_off_count_no_requests(self, variant: Callable[..., Flask]) -> None:
        unlimited, routes = variant(rate_limit="off"), []
        unlimited.before_request(lambda: routes.append(request.environ.get(environ_keys.ROUTE)))
        client = unlimited.test_client()
        responses = [client.post("/api/probe/guess") for _ in range(25)]
        assert {response.status_code for response in responses} == {204}
        assert "RateLimit" not in responses[0].headers
        # The metrics still name the route.
        assert set(routes) == {"/api/probe/guess"}


def test_two_applications_share_one_limit_without_redis(
    variant: Callable[..., Flask], ip_address: str
) -> None:
    """Without Redis there is one sign-in limit, not one for each process, and no 500."""
    unreachable = f"redis://127.0.0.1:{free_port()}/0"
    clients = [variant(redis_url=unreachable).test_client() for _ in range(2)]
    statuses = [
        clients[number % 2]
        .post("/api/probe/guess", environ_overrides={"REMOTE_ADDR": ip_address})
        .status_code
        for number in range(24)
    ]
    assert set(statuses) == {204, 429}
    assert 10 <= statuses.count(204) <= 20
    assert clients[0].get("/health/ready").json["status"] == "degraded"


@pytest.mark.parametrize(
    ("method", "path", "label"),
    [
        ("GET", "/api/wallet/statements?account=trading&format=pdf", "statement"),
        ("POST", "/api/kyc/documents", "upload"),
        ("GET", "/metrics", "metrics"),
        ("GET", "/api/openapi.json", "page"),
        ("GET", "/api/docs", "page"),
    ],
)
def test_dear_routes_are_limited_apart_from_all_others(
    variant: Callable[..., Flask],
    sign_in: Callable[[], SignedInCustomer],
    ip_address: str,
    method: str,
    path: str,
    label: str,
) -> None:
    client, ada = variant(rate_limit="3/minute").test_client(), sign_in()
    client.environ_base["REMOTE_ADDR"] = ip_address
    with time_machine.travel(clock.now(), tick=False):
        responses = [client.open(path, method=method, headers=ada.headers()) for _ in range(4)]
        assert all(response.status_code < 429 for response in responses[:3])
        check_problem(responses[3], 429, "rate_limited")
        assert responses[3].headers["RateLimit-Policy"] == f'"{label}";q=3;w=60'
        assert client.get("/api/trade/prices", headers=ada.headers()).status_code == 200
        if label in {"statement", "upload"}:
            bob = client.open(path, method=method, headers=sign_in().headers())
            assert bob.status_code < 429


def test_every_route_except_health_and_our_own_files_is_limited(app: Flask) -> None:
    unlimited = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "rate_limit", None) is None
    }
    assert unlimited == {
        "/health",
        "/health/live",
        "/health/ready",
        "/static/<path:filename>",
    }
    assert RateLimit.SIGN_IN.quota * 10 <= RateLimit.DEFAULT.quota
