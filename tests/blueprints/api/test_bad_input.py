"""Invalid requests: each is refused with its own error code and changes nothing."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.kit.db import Database
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.unchanged_database import database_unchanged, table_digests

QUOTE, ORDER, TRANSFER = "/api/trade/quote", "/api/trade/order", "/api/wallet/transfer"
VALID_BODIES: dict[str, dict[str, Any]] = {
    QUOTE: {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"},
    ORDER: {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"},
    TRANSFER: {"asset": "PAXG", "amount": "1", "from": "funding", "to": "trading"},
}
AMOUNT_FIELDS = {QUOTE: "fromAmount", ORDER: "fromAmount", TRANSFER: "amount"}
pytestmark = pytest.mark.usefixtures("open_app", "prices")
every_path = pytest.mark.parametrize("path", VALID_BODIES)


@pytest.fixture(scope="module")
def shared_customer(open_app: Flask) -> ApiClient:
    """A customer whose balances cover every request of this module, were it valid."""
    return ApiClient.create_customer(open_app, USD="1000.00", PAXG="10", XAU_s="10")


@pytest.fixture
def customer(shared_customer: ApiClient) -> Iterator[ApiClient]:
    """The shared customer; the token is restored after the test."""
    token = shared_customer.token
    yield shared_customer
    shared_customer.token = token


@pytest.fixture
def unchanged(customer: ApiClient, prices: None, database: Database) -> Iterator[None]:
    """Fail the test if it changes the database."""
    with database_unchanged(database):
        yield


changes_nothing = pytest.mark.usefixtures("unchanged")


def post_raw(
    client: ApiClient, path: str, data: bytes, content_type: str = "application/json"
) -> Any:
    headers = {"Idempotency-Key": "a key", "Content-Type": content_type}
    return client.send("POST", path, headers=headers, data=data)


@changes_nothing
class TestAmounts:
    @every_path
    @pytest.mark.parametrize(
        "amount",
        [
            100, 100.5, 0, -1, 1e400, True, None, [], ["100"], {}, {"amount": "100"},
            "", "0", "0.00", "-1", "-0", "+1", " 1", "1 ", "1\n", "1.", ".5", "01", "00.5", "1e5",
            "1E5", "0x10", "1_000", "1,000", "1 000", "NaN", "nan", "Infinity", "-Infinity", "inf",
            "１００", "١٠٠", "1０", "1٫5", "½", "1.000000000", "0.0000000001",
            "9" * 30, "1" + "0" * 30, "9" * 41, "0." + "0" * 40 + "1", "9" * 100_000, "1\x00",
            "100 USD", "$100", "1;DROP TABLE entries",
        ],
        ids=lambda value: repr(value)[:24],
    )  # fmt: skip
    def test_amount_that_is_no_plain_decimal_string_is_refused(
        self, customer: ApiClient, path: str, amount: object
    ) -> None:
        field = AMOUNT_FIELDS[path]
        body = {**VALID_BODIES[path], field: amount}
        if amount == 1e400:
            # json.dumps would write Infinity, which is no JSON.
            text = json.dumps({**VALID_BODIES[path], field: 0}).replace(": 0", ": 1e400")
            assert wrong_fields(post_raw(customer, path, text.encode())) == [field]
        else:
            assert wrong_fields(customer.post(path, body)) == [field]

    @pytest.mark.parametrize(
        ("asset", "text"),
        [
            ("USD", "1.000"),
            ("USD", "1.001"),
            ("USDC", "1.0000001"),
            ("PAXG", "1.000000001"),
            ("XAU-s", "0.000000001"),
        ],
    )
    @pytest.mark.parametrize("side", ["from", "to"])
    def test_amount_with_more_decimals_than_its_asset_is_refused(
        self, customer: ApiClient, asset: str, text: str, side: str
    ) -> None:
        other = "toAsset" if side == "from" else "fromAsset"
        body = {f"{side}Asset": asset, other: "XAG-s", f"{side}Amount": text}
        for path in (QUOTE, ORDER):
            assert wrong_fields(customer.post(path, body)) == [f"{side}Amount"]

    @pytest.mark.parametrize("path", [QUOTE, ORDER])
    def test_amount_that_converts_to_zero_is_refused(self, customer: ApiClient, path: str) -> None:
        body = {"fromAsset": "XAU-s", "toAsset": "USD", "fromAmount": "0.00000001"}
        assert wrong_fields(customer.post(path, body)) == ["fromAmount"]


@changes_nothing
class TestConversions:
    @pytest.mark.parametrize("path", [QUOTE, ORDER])
    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"toAsset": "USD"}, ["toAsset"]),
            ({"toAmount": "1"}, ["fromAmount"]),
            ({"fromAmount": ...}, ["fromAmount"]),
            ({"fromAsset": ...}, ["fromAsset"]),
            ({"toAsset": ...}, ["toAsset"]),
            ({"fromAsset": "EUR"}, ["fromAsset"]),
            ({"fromAsset": "usd"}, ["fromAsset"]),
            ({"fromAsset": "XAU-S"}, ["fromAsset"]),
            ({"fromAsset": "AU"}, ["fromAsset"]),
            ({"fromAsset": " USD"}, ["fromAsset"]),
            ({"fromAsset": ""}, ["fromAsset"]),
            ({"fromAsset": None}, ["fromAsset"]),
            ({"fromAsset": 1}, ["fromAsset"]),
            ({"fromAsset": {"code": "USD"}}, ["fromAsset"]),
            ({"fromAsset": "U" * 100_000}, ["fromAsset"]),
            ({"price": "1"}, ["price"]),
            ({"from_asset": "USD"}, ["from_asset"]),
            ({"fee": {"asset": "USD", "amount": "0"}}, ["fee"]),
            ({"userId": "usr_1"}, ["userId"]),
            ({"__proto__": {}}, ["__proto__"]),
            ({"toAsset": "EUR", "fromAmount": 1, "x": 2}, ["fromAmount", "toAsset", "x"]),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_invalid_conversion_names_every_invalid_field(
        self, customer: ApiClient, path: str, changes: dict[str, Any], fields: list[str]
    ) -> None:
        body = {
            name: value
            for name, value in {**VALID_BODIES[path], **changes}.items()
            if value is not ...
        }
        assert sorted(wrong_fields(customer.post(path, body))) == fields

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"maxSlippageBps": -1}, "maxSlippageBps"),
            ({"maxSlippageBps": 10_001}, "maxSlippageBps"),
            ({"maxSlippageBps": 10**30}, "maxSlippageBps"),
            ({"maxSlippageBps": 1.5}, "maxSlippageBps"),
            ({"maxSlippageBps": 50.0}, "maxSlippageBps"),
            ({"maxSlippageBps": "50"}, "maxSlippageBps"),
            ({"maxSlippageBps": True}, "maxSlippageBps"),
            ({"maxSlippageBps": None}, "maxSlippageBps"),
            ({"quoteId": 5}, "quoteId"),
            ({"quoteId": None}, "quoteId"),
            ({"quoteId": ["qt_01kafkrz80fay8vvr14d2pf2db"]}, "quoteId"),
            ({"quoteId": "qt_01kafkrz80fay8vvr14d2pf2db"}, "quoteId"),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_invalid_order_names_the_invalid_field(
        self, customer: ApiClient, changes: dict[str, Any], field: str
    ) -> None:
        assert wrong_fields(customer.post(ORDER, {**VALID_BODIES[ORDER], **changes})) == [field]


@changes_nothing
class TestBodies:
    @every_path
    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b" ", id="blank"),
            pytest.param(b"{", id="unclosed object"),
            pytest.param(b"{]", id="mismatched bracket"),
            pytest.param(b"{'fromAsset': 'USD'}", id="single quotes"),
            pytest.param(b'{"fromAsset": "USD",}', id="trailing comma"),
            pytest.param(b'{"fromAsset": "USD"} {}', id="two values"),
            pytest.param(b'{"fromAsset": "USD", "fromAsset": "USDC"}', id="duplicate member"),
            pytest.param(b'{"fromAmount": NaN}', id="NaN"),
            pytest.param(b'{"fromAmount": Infinity}', id="Infinity"),
            pytest.param(b'{"fromAmount": -Infinity}', id="-Infinity"),
            pytest.param(b'{"fromAmount": ' + b"9" * 10_000 + b"}", id="number of 10,000 digits"),
            pytest.param(b'{"fromAsset": "\xff\xfe"}', id="invalid UTF-8"),
            pytest.param(b'{"fromAsset": "\xed\xa0\x80"}', id="encoded surrogate"),
            pytest.param(b'{"fromAsset": "\\ud800"}', id="escaped lone surrogate"),
            pytest.param(b'{"fromAsset": "U\x00SD"}', id="unescaped NUL"),
            pytest.param(b"\x00", id="NUL only"),
            pytest.param(b'\xef\xbb\xbf{"fromAsset": "USD"}', id="byte order mark"),
            pytest.param('{"fromAsset": "USD"}'.encode("utf-16"), id="UTF-16"),
            pytest.param(b"[" * 100_000, id="100,000 open arrays"),
            pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100,000 nested arrays"),
            pytest.param(b'{"a":' * 40_000 + b"1" + b"}" * 40_000, id="40,000 nested objects"),
            pytest.param(b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", id="41 levels"),
        ],
    )
    def test_body_that_is_not_strict_json_is_refused(
        self, customer: ApiClient, path: str, data: bytes
    ) -> None:
        assert_problem(post_raw(customer, path, data), 400, "malformed_json")

    @every_path
    @pytest.mark.parametrize(
        "data", [b"[]", b'[{"fromAsset": "USD"}]', b'"USD"', b"1", b"null"], ids=bytes.decode
    )
    def test_body_that_is_not_a_json_object_is_refused(
        self, customer: ApiClient, path: str, data: bytes
    ) -> None:
        assert wrong_fields(post_raw(customer, path, data)) == ["body"]

    @every_path
    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "application/problem+json",
            "text/json",
            "application/json; charset=utf-16",
            "application/json; charset=latin-1",
        ],
    )
    def test_body_with_another_content_type_than_json_is_refused(
        self, customer: ApiClient, path: str, content_type: str
    ) -> None:
        data = json.dumps(VALID_BODIES[path]).encode()
        assert_problem(post_raw(customer, path, data, content_type), 415, "unsupported_media_type")

    @every_path
    def test_body_above_the_size_limit_is_refused(self, customer: ApiClient, path: str) -> None:
        for size in (300 * 1024, 10 * 1024 * 1024):
            data = json.dumps(VALID_BODIES[path]).encode().ljust(size)
            assert_problem(post_raw(customer, path, data), 413, "body_too_large")

    def test_body_is_validated_where_the_operation_takes_none(self, customer: ApiClient) -> None:
        logout = "/api/auth/logout"
        assert_problem(post_raw(customer, logout, b"{"), 400, "malformed_json")
        assert_problem(
            post_raw(customer, logout, b"{}", "text/plain"), 415, "unsupported_media_type"
        )
        assert_problem(post_raw(customer, logout, b" " * 300_000), 413, "body_too_large")
        assert wrong_fields(post_raw(customer, logout, b'{"everywhere": true}')) == ["everywhere"]
        assert customer.get("/api/auth/me").status_code == 200


class TestIdempotencyKeys:
    @changes_nothing
    @pytest.mark.parametrize("path", [ORDER, TRANSFER])
    @pytest.mark.parametrize(
        "key", [None, "", "k" * 256, "k" * 5000, "clé", "鍵", "a\tb", "a\x7f"],
        ids=lambda key: repr(key)[:12],
    )  # fmt: skip
    def test_missing_or_unprintable_idempotency_key_is_refused(
        self, customer: ApiClient, path: str, key: str | None
    ) -> None:
        headers = {} if key is None else {"Idempotency-Key": key.encode().decode("latin-1")}
        response = customer.send("POST", path, headers=headers, json=VALID_BODIES[path])
        assert_problem(response, 400, "idempotency_key_required")

    def test_idempotency_key_of_another_request_is_refused(
        self, database: Database, open_app: Flask
    ) -> None:
        client = ApiClient.create_customer(open_app, USD="1000.00", PAXG="10")
        client.ok(201, client.post(ORDER, VALID_BODIES[ORDER], key="mine"))
        with database_unchanged(database):
            for path, body in (
                (ORDER, {**VALID_BODIES[ORDER], "fromAmount": "100.0"}),
                (ORDER, {**VALID_BODIES[ORDER], "maxSlippageBps": 100}),
                (TRANSFER, VALID_BODIES[TRANSFER]),
            ):
                response = client.post(path, body, key="mine")
                problem = assert_problem(response, 422, "idempotency_key_reused")
                assert [error["field"] for error in problem["errors"]] == ["Idempotency-Key"]


def _encode_segment(part: object) -> str:
    text = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _decode_token(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, claims, signature = token.split(".")
    decoded = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    return decoded[0], decoded[1], signature


def _forge_token(token: str, secret: bytes = b"", *, header: dict[str, Any], **claims: Any) -> str:
    old_header, old_claims, _ = _decode_token(token)
    signed = (
        f"{_encode_segment({**old_header, **header})}.{_encode_segment({**old_claims, **claims})}"
    )
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _change_character(token: str, index: int) -> str:
    return token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]


PUBLIC_PEM = b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ\n-----END PUBLIC KEY-----\n"
FORGERIES: dict[str, Callable[[str], str]] = {
    "another subject": lambda t: ".".join(
        (
            t.split(".")[0],
            _encode_segment({**_decode_token(t)[1], "sub": "usr_" + "0" * 26}),
            t.split(".")[2],
        )
    ),
    "header changed": lambda t: _change_character(t, 5),
    "claims changed": lambda t: _change_character(t, t.index(".") + 10),
    "signature changed": lambda t: _change_character(t, len(t) - 10),
    "signature cut": lambda t: t[:-10],
    "no signature": lambda t: t.rpartition(".")[0] + ".",
    "two parts": lambda t: t.rpartition(".")[0],
    "four parts": lambda t: t + ".x",
    "alg none": lambda t: (
        f"{_encode_segment({**_decode_token(t)[0], 'alg': 'none'})}.{t.split('.')[1]}."
    ),
    "alg None": lambda t: f"{_encode_segment({'alg': 'None', 'typ': 'at+jwt'})}.{t.split('.')[1]}.",
    "alg none, signed": lambda t: _forge_token(t, header={"alg": "none"}),
    "public key as secret": lambda t: _forge_token(t, PUBLIC_PEM, header={"alg": "HS256"}),
    "alg RS256": lambda t: _forge_token(t, PUBLIC_PEM, header={"alg": "RS256"}),
    "key in the header": lambda t: _forge_token(t, b"k", header={"jwk": {"kty": "oct", "k": "aw"}}),
    "path as key id": lambda t: _forge_token(t, b"", header={"kid": "../../../dev/null"}),
    "empty secret": lambda t: _forge_token(t, b"", header={}),
    "guessable secret": lambda t: _forge_token(t, b"secret", header={}),
    "garbage": lambda _t: "a.b.c",
    "5,000 characters": lambda _t: "x" * 5000,
    "not ASCII": lambda t: "é" + t,
    "NUL": lambda t: t.replace("e", "\x00", 1),
    "token twice": lambda t: f"{t} {t}",
}


@changes_nothing
class TestAccessTokens:
    def _send_everywhere(self, client: ApiClient, authorization: str | None) -> list[TestResponse]:
        headers = {} if authorization is None else {"Authorization": authorization}
        client.token = None
        responses = [
            client.send("GET", path, headers=headers)
            for path in ("/api/auth/me", "/api/wallet/balances", "/api/trade/history")
        ]
        for path, body in VALID_BODIES.items():
            request_headers = {**headers, "Idempotency-Key": "a key"}
            responses.append(client.send("POST", path, headers=request_headers, json=body))
        return responses

    @pytest.mark.parametrize("name", FORGERIES)
    def test_forged_access_token_is_refused(self, customer: ApiClient, name: str) -> None:
        assert customer.token is not None
        forged = FORGERIES[name](customer.token)
        assert forged != customer.token
        for response in self._send_everywhere(customer, f"Bearer {forged}"):
            assert_problem(response, 401, "token_invalid")

    @pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token x"])
    def test_request_without_an_access_token_is_refused(
        self, customer: ApiClient, header: str | None
    ) -> None:
        for response in self._send_everywhere(customer, header):
            assert_problem(response, 401, "token_invalid")

    def test_access_token_in_another_scheme_is_refused(self, customer: ApiClient) -> None:
        token = customer.token
        for header in (f"Basic {token}", f"{token}", f"Bearer{token}", f"JWT {token}"):
            for response in self._send_everywhere(customer, header):
                assert_problem(response, 401, "token_invalid")

    def test_refresh_token_is_refused_as_access_token(self, customer: ApiClient) -> None:
        for response in self._send_everywhere(customer, f"Bearer {customer.refresh_token}"):
            assert_problem(response, 401, "token_invalid")

    def test_access_token_is_refused_after_30_minutes(self, customer: ApiClient) -> None:
        token = customer.token
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=30), tick=False):
            for response in self._send_everywhere(customer, f"Bearer {token}"):
                assert_problem(response, 401, "token_invalid")


class TestOrderOfChecks:
    """Token first, then Idempotency-Key, media type, JSON syntax, and the schema last."""

    @changes_nothing
    @pytest.mark.parametrize("path", [ORDER, TRANSFER])
    def test_request_is_checked_in_the_documented_order(
        self, customer: ApiClient, path: str
    ) -> None:
        token = customer.token
        # Everything is invalid at first; each request corrects one more thing.
        options: dict[str, Any] = {"data": b"{", "headers": {"Content-Type": "text/plain"}}
        customer.token = None
        assert_problem(customer.send("POST", path, **options), 401, "token_invalid")
        customer.token = token
        assert_problem(customer.send("POST", path, **options), 400, "idempotency_key_required")
        options["headers"]["Idempotency-Key"] = "a key"
        assert_problem(customer.send("POST", path, **options), 415, "unsupported_media_type")
        options["headers"]["Content-Type"] = "application/json"
        assert_problem(customer.send("POST", path, **options), 400, "malformed_json")
        options["data"] = b'{"fromAsset": 1, "asset": 1}'
        assert_problem(customer.send("POST", path, **options), 422, "validation_failed")

    def test_revoked_token_is_refused_before_anything_else_is_checked(
        self, open_app: Flask, database: Database
    ) -> None:
        signed_out = ApiClient.create_customer(open_app)
        signed_out.send("POST", "/api/auth/logout")
        with database_unchanged(database):
            for path in (ORDER, TRANSFER):
                assert_problem(signed_out.send("POST", path, data=b"{"), 401, "token_invalid")
                assert_problem(post_raw(signed_out, path, b"{"), 401, "token_invalid")


@changes_nothing
class TestUnknownRoutes:
    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/api/nothing", 404, "not_found"),
            ("GET", "/api/trade/order/", 404, "not_found"),
            ("GET", "/api//trade/prices", 404, "not_found"),
            ("POST", "/api/trade//order", 404, "not_found"),
            ("GET", "/api/trade/prices\x00", 404, "not_found"),
            ("GET", "/api/../etc/passwd", 404, "not_found"),
            ("GET", "/api/trade/order", 405, "method_not_allowed"),
            ("DELETE", "/api/trade/order", 405, "method_not_allowed"),
            ("PUT", "/api/wallet/transfer", 405, "method_not_allowed"),
            ("TRACE", "/api/trade/prices", 405, "method_not_allowed"),
            ("BREW", "/api/trade/prices", 405, "method_not_allowed"),
        ],
    )
    def test_unknown_path_or_method_is_refused(
        self, customer: ApiClient, method: str, path: str, status: int, code: str
    ) -> None:
        assert_problem(customer.send(method, path), status, code)


def test_valid_requests_change_the_tables_that_are_compared(
    database: Database, open_app: Flask
) -> None:
    """The negative control of this module: `database_unchanged` would find a valid request."""
    customer = ApiClient.create_customer(open_app, USD="100.00")
    snapshots = [table_digests(database)]
    for path in (QUOTE, ORDER):
        customer.ok(201, customer.post(path, VALID_BODIES[path]))
        snapshots.append(table_digests(database))
    before, quoted, ordered = snapshots
    assert {table for table in before if before[table] != quoted[table]} == {"quotes"}
    assert {table for table in before if quoted[table] != ordered[table]} == {
        "orders", "accounts", "entries", "postings", "balances", "outbox", "idempotent_answers",
    }  # fmt: skip
