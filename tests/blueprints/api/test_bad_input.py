"""Everything wrong that a program can send: each has its own clear answer, and no effect."""

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
from tests.people import set_prices
from tests.unchanged_database import database_unchanged, table_digests

QUOTE, ORDER, TRANSFER = "/api/trade/quote", "/api/trade/order", "/api/wallet/transfer"
GOOD: dict[str, dict[str, Any]] = {
    QUOTE: {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"},
    ORDER: {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"},
    TRANSFER: {"asset": "PAXG", "amount": "1", "from": "funding", "to": "trading"},
}
AMOUNT_OF = {QUOTE: "fromAmount", ORDER: "fromAmount", TRANSFER: "amount"}
everywhere = pytest.mark.parametrize("path", GOOD)


@pytest.fixture
def database(open_app: Flask) -> Database:
    database: Database = open_app.extensions["database"]
    set_prices(database, AU="4000", PAXG="4000", AG="50")
    return database


@pytest.fixture(scope="module")
def customer(open_app: Flask) -> ApiClient:
    """A customer who could do everything that is asked for here, were it asked rightly."""
    return ApiClient.create_customer(open_app, USD="1000.00", PAXG="10", XAU_s="10")


@pytest.fixture
def me(customer: ApiClient, database: Database) -> Iterator[ApiClient]:
    """The same, with their token again, and all in place for what they could do."""
    token = customer.token
    yield customer
    customer.token = token


@pytest.fixture
def quiet(me: ApiClient, database: Database) -> Iterator[None]:
    """Whatever the test sends, nothing that matters changes."""
    with database_unchanged(database):
        yield


nothing_happens = pytest.mark.usefixtures("quiet")


def raw(client: ApiClient, path: str, data: bytes, content_type: str = "application/json") -> Any:
    headers = {"Idempotency-Key": "a key", "Content-Type": content_type}
    return client.send("POST", path, headers=headers, data=data)


@nothing_happens
class TestAmounts:
    @everywhere
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
    def test_must_be_plain_decimal_strings(self, me: ApiClient, path: str, amount: object) -> None:
        field = AMOUNT_OF[path]
        body = {**GOOD[path], field: amount}
        if amount == 1e400:
            # json.dumps would write a word that is no JSON; a reader may take this for infinity.
            text = json.dumps({**GOOD[path], field: 0}).replace(": 0", ": 1e400")
            assert wrong_fields(raw(me, path, text.encode())) == [field]
        else:
            assert wrong_fields(me.post(path, body)) == [field]

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
    def test_have_no_more_decimals_than_the_asset(
        self, me: ApiClient, asset: str, text: str, side: str
    ) -> None:
        other = "toAsset" if side == "from" else "fromAsset"
        body = {f"{side}Asset": asset, other: "XAG-s", f"{side}Amount": text}
        for path in (QUOTE, ORDER):
            assert wrong_fields(me.post(path, body)) == [f"{side}Amount"]

    @pytest.mark.parametrize("path", [QUOTE, ORDER])
    def test_must_convert_to_something(self, me: ApiClient, path: str) -> None:
        body = {"fromAsset": "XAU-s", "toAsset": "USD", "fromAmount": "0.00000001"}
        assert wrong_fields(me.post(path, body)) == ["fromAmount"]


@nothing_happens
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
        ids=str,
    )
    def test_name_what_is_wrong(
        self, me: ApiClient, path: str, changes: dict[str, Any], fields: list[str]
    ) -> None:
        body = {k: v for k, v in {**GOOD[path], **changes}.items() if v is not ...}
        assert sorted(wrong_fields(me.post(path, body))) == fields

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
        ids=str,
    )
    def test_of_orders_too(self, me: ApiClient, changes: dict[str, Any], field: str) -> None:
        assert wrong_fields(me.post(ORDER, {**GOOD[ORDER], **changes})) == [field]


@nothing_happens
class TestBodies:
    @everywhere
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b" ",
            b"{",
            b"{]",
            b"{'fromAsset': 'USD'}",
            b'{"fromAsset": "USD",}',
            b'{"fromAsset": "USD"} {}',
            b'{"fromAsset": "USD", "fromAsset": "USDC"}',
            b'{"fromAmount": NaN}',
            b'{"fromAmount": Infinity}',
            b'{"fromAmount": -Infinity}',
            b'{"fromAmount": ' + b"9" * 10_000 + b"}",
            b'{"fromAsset": "\xff\xfe"}',
            b'{"fromAsset": "\xed\xa0\x80"}',
            b'{"fromAsset": "\\ud800"}',
            b'{"fromAsset": "U\x00SD"}',
            b"\x00",
            b'\xef\xbb\xbf{"fromAsset": "USD"}',
            '{"fromAsset": "USD"}'.encode("utf-16"),
            b"[" * 100_000,
            b"[" * 100_000 + b"]" * 100_000,
            b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
            b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
        ],
        ids=lambda data: repr(data[:24]),
    )
    def test_must_be_json(self, me: ApiClient, path: str, data: bytes) -> None:
        assert_problem(raw(me, path, data), 400, "malformed_json")

    @everywhere
    @pytest.mark.parametrize("data", [b"[]", b'[{"fromAsset": "USD"}]', b'"USD"', b"1", b"null"])
    def test_must_be_an_object(self, me: ApiClient, path: str, data: bytes) -> None:
        assert wrong_fields(raw(me, path, data)) == ["body"]

    @everywhere
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
    def test_must_say_that_they_are_json(self, me: ApiClient, path: str, content_type: str) -> None:
        data = json.dumps(GOOD[path]).encode()
        assert_problem(raw(me, path, data, content_type), 415, "unsupported_media_type")

    @everywhere
    def test_must_be_short(self, me: ApiClient, path: str) -> None:
        for size in (300 * 1024, 10 * 1024 * 1024):
            data = json.dumps(GOOD[path]).encode().ljust(size)
            assert_problem(raw(me, path, data), 413, "body_too_large")

    def test_that_nobody_asked_for_are_read_all_the_same(self, me: ApiClient) -> None:
        logout = "/api/auth/logout"
        assert_problem(raw(me, logout, b"{"), 400, "malformed_json")
        assert_problem(raw(me, logout, b"{}", "text/plain"), 415, "unsupported_media_type")
        assert_problem(raw(me, logout, b" " * 300_000), 413, "body_too_large")
        assert wrong_fields(raw(me, logout, b'{"everywhere": true}')) == ["everywhere"]
        assert me.get("/api/auth/me").status_code == 200


class TestKeys:
    @nothing_happens
    @pytest.mark.parametrize("path", [ORDER, TRANSFER])
    @pytest.mark.parametrize(
        "key", [None, "", "k" * 256, "k" * 5000, "clé", "鍵", "a\tb", "a\x7f"],
        ids=lambda key: repr(key)[:12],
    )  # fmt: skip
    def test_are_required_and_printable(self, me: ApiClient, path: str, key: str | None) -> None:
        headers = {} if key is None else {"Idempotency-Key": key.encode().decode("latin-1")}
        answer = me.send("POST", path, headers=headers, json=GOOD[path])
        assert_problem(answer, 400, "idempotency_key_required")

    def test_stand_for_one_request(self, database: Database, open_app: Flask) -> None:
        first = ApiClient.create_customer(open_app, USD="1000.00", PAXG="10")
        first.ok(201, first.post(ORDER, GOOD[ORDER], key="mine"))
        with database_unchanged(database):
            for path, body in (
                (ORDER, {**GOOD[ORDER], "fromAmount": "100.0"}),
                (ORDER, {**GOOD[ORDER], "maxSlippageBps": 100}),
                (TRANSFER, GOOD[TRANSFER]),
            ):
                answer = first.post(path, body, key="mine")
                told = assert_problem(answer, 422, "idempotency_key_reused")
                assert [error["field"] for error in told["errors"]] == ["Idempotency-Key"]


def _segment(part: object) -> str:
    text = json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, claims, signature = token.split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    return read[0], read[1], signature


def _forged(token: str, secret: bytes = b"", *, header: dict[str, Any], **claims: Any) -> str:
    old_header, old_claims, _ = _parts(token)
    signed = f"{_segment({**old_header, **header})}.{_segment({**old_claims, **claims})}"
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _flipped(token: str, at: int) -> str:
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


PUBLIC_PEM = b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ\n-----END PUBLIC KEY-----\n"
FORGERIES: dict[str, Callable[[str], str]] = {
    "another subject": lambda t: ".".join(
        (t.split(".")[0], _segment({**_parts(t)[1], "sub": "usr_" + "0" * 26}), t.split(".")[2])
    ),
    "header changed": lambda t: _flipped(t, 5),
    "claims changed": lambda t: _flipped(t, t.index(".") + 10),
    "signature changed": lambda t: _flipped(t, len(t) - 10),
    "signature cut": lambda t: t[:-10],
    "no signature": lambda t: t.rpartition(".")[0] + ".",
    "two parts": lambda t: t.rpartition(".")[0],
    "four parts": lambda t: t + ".x",
    "alg none": lambda t: f"{_segment({**_parts(t)[0], 'alg': 'none'})}.{t.split('.')[1]}.",
    "alg None": lambda t: f"{_segment({'alg': 'None', 'typ': 'at+jwt'})}.{t.split('.')[1]}.",
    "alg none, signed": lambda t: _forged(t, header={"alg": "none"}),
    "public key as secret": lambda t: _forged(t, PUBLIC_PEM, header={"alg": "HS256"}),
    "alg RS256": lambda t: _forged(t, PUBLIC_PEM, header={"alg": "RS256"}),
    "own key in the header": lambda t: _forged(t, b"k", header={"jwk": {"kty": "oct", "k": "aw"}}),
    "key id a path": lambda t: _forged(t, b"", header={"kid": "../../../dev/null"}),
    "empty secret": lambda t: _forged(t, b"", header={}),
    "the secret of the sample": lambda t: _forged(t, b"secret", header={}),
    "garbage": lambda _t: "a.b.c",
    "5,000 characters": lambda _t: "x" * 5000,
    "not ASCII": lambda t: "é" + t,
    "NUL": lambda t: t.replace("e", "\x00", 1),
    "twice": lambda t: f"{t} {t}",
}


@nothing_happens
class TestTokens:
    def _everywhere(self, client: ApiClient, authorization: str | None) -> list[TestResponse]:
        headers = {} if authorization is None else {"Authorization": authorization}
        client.token = None
        answers = [
            client.send("GET", path, headers=headers)
            for path in ("/api/auth/me", "/api/wallet/balances", "/api/trade/history")
        ]
        for path, body in GOOD.items():
            given = {**headers, "Idempotency-Key": "a key"}
            answers.append(client.send("POST", path, headers=given, json=body))
        return answers

    @pytest.mark.parametrize("name", FORGERIES)
    def test_are_ours_or_nothing(self, me: ApiClient, name: str) -> None:
        assert me.token is not None
        forged = FORGERIES[name](me.token)
        assert forged != me.token
        for answer in self._everywhere(me, f"Bearer {forged}"):
            assert_problem(answer, 401, "token_invalid")

    @pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token x"])
    def test_are_required(self, me: ApiClient, header: str | None) -> None:
        for answer in self._everywhere(me, header):
            assert_problem(answer, 401, "token_invalid")

    def test_in_another_scheme_are_not_read(self, me: ApiClient) -> None:
        token = me.token
        for header in (f"Basic {token}", f"{token}", f"Bearer{token}", f"JWT {token}"):
            for answer in self._everywhere(me, header):
                assert_problem(answer, 401, "token_invalid")

    def test_for_refreshing_give_no_access(self, me: ApiClient) -> None:
        for answer in self._everywhere(me, f"Bearer {me.refresh_token}"):
            assert_problem(answer, 401, "token_invalid")

    def test_end(self, me: ApiClient) -> None:
        token = me.token
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=30), tick=False):
            for answer in self._everywhere(me, f"Bearer {token}"):
                assert_problem(answer, 401, "token_invalid")


class TestOrderOfChecks:
    """401, then the key, then the media type or the JSON, then the schema."""

    @nothing_happens
    @pytest.mark.parametrize("path", [ORDER, TRANSFER])
    def test_is_that_of_the_contract(self, me: ApiClient, path: str) -> None:
        token = me.token
        # Everything is wrong; from request to request one more thing is right.
        wrong: dict[str, Any] = {"data": b"{", "headers": {"Content-Type": "text/plain"}}
        me.token = None
        assert_problem(me.send("POST", path, **wrong), 401, "token_invalid")
        me.token = token
        assert_problem(me.send("POST", path, **wrong), 400, "idempotency_key_required")
        wrong["headers"]["Idempotency-Key"] = "a key"
        assert_problem(me.send("POST", path, **wrong), 415, "unsupported_media_type")
        wrong["headers"]["Content-Type"] = "application/json"
        assert_problem(me.send("POST", path, **wrong), 400, "malformed_json")
        wrong["data"] = b'{"fromAsset": 1, "asset": 1}'
        assert_problem(me.send("POST", path, **wrong), 422, "validation_failed")

    def test_tells_a_revoked_caller_nothing_more(self, open_app: Flask, database: Database) -> None:
        gone = ApiClient.create_customer(open_app)
        gone.send("POST", "/api/auth/logout")
        with database_unchanged(database):
            for path in (ORDER, TRANSFER):
                assert_problem(gone.send("POST", path, data=b"{"), 401, "token_invalid")
                assert_problem(raw(gone, path, b"{"), 401, "token_invalid")


@nothing_happens
class TestAddresses:
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
    def test_that_do_not_exist(
        self, me: ApiClient, method: str, path: str, status: int, code: str
    ) -> None:
        assert_problem(me.send(method, path), status, code)


def test_the_guard_of_this_file_would_notice(database: Database, open_app: Flask) -> None:
    """The negative control: a good request does change what the guard looks at."""
    someone = ApiClient.create_customer(open_app, USD="100.00")
    states = [table_digests(database)]
    for path in (QUOTE, ORDER):
        someone.ok(201, someone.post(path, GOOD[path]))
        states.append(table_digests(database))
    before, quoted, ordered = states
    assert {table for table in before if before[table] != quoted[table]} == {"quotes"}
    assert {table for table in before if quoted[table] != ordered[table]} == {
        "orders", "accounts", "entries", "postings", "balances", "outbox", "idempotent_answers",
    }  # fmt: skip
