"""Parsing of JSON bodies: malformed, invalid and oversized ones are refused without effect."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from app.blueprints import json_body
from app.blueprints.errors import MalformedJson
from tests.blueprints.conftest import SignedInCustomer, check_problem

GIFTS = "/api/probe/gifts"
GOOD = b'{"assetCode":"USD","amount":"1.00"}'

MALFORMED = {
    "empty": b"",
    "blank": b"  \n",
    "cut off": b'{"assetCode":"USD"',
    "two documents": GOOD + GOOD,
    "single quotes": b"{'assetCode':'USD'}",
    "trailing comma": b'{"assetCode":"USD",}',
    "comment": b'{"assetCode":"USD"/*x*/}',
    "NaN": b'{"assetCode":"USD","amount":NaN}',
    "Infinity": b'{"assetCode":"USD","amount":-Infinity}',
    "key twice": b'{"assetCode":"USD","amount":"1.00","amount":"900.00"}',
    "key twice, deep": b'{"assetCode":"USD","amount":"1.00","lines":[{"sku":"a","sku":"b"}]}',
    "key twice by escape": b'{"assetCode":"USD","amount":"1.00","\\u0061mount":"900.00"}',
    "not UTF-8": b'{"assetCode":"USD","amount":"1.00","note":"\xff"}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "half a surrogate pair": b'{"assetCode":"USD","amount":"1.00","note":"\\ud83d"}',
    "raw control character": b'{"assetCode":"USD","amount":"1.00","note":"\x00"}',
    "deep array": b"[" * 100_000,
    "deep array, closed": b"[" * 33 + b"]" * 33,
    "deep objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "endless number": b'{"amount":' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_malformed_json_is_refused_without_effect(
    customer: SignedInCustomer, dollar_balance: Callable[[], str], raw: bytes
) -> None:
    headers = customer.headers(Idempotency_Key="k", Content_Type="application/json")
    check_problem(customer.client.post(GIFTS, data=raw, headers=headers), 400, "malformed_json")
    assert dollar_balance() == "0"


@pytest.mark.parametrize("document", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_json_that_is_not_an_object_is_refused(customer: SignedInCustomer, document: bytes) -> None:
    headers = customer.headers(Idempotency_Key="k", Content_Type="application/json")
    response = customer.client.post(GIFTS, data=document, headers=headers)
    assert check_problem(response, 422, "validation_failed")["errors"] == [
        {"field": "body", "message": "Send a JSON object."}
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": ["1.00"]}, "amount"),
        ({"amount": "1e5"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "+1"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "0.00"}, "amount"),
        ({"amount": "01"}, "amount"),
        ({"amount": "1."}, "amount"),
        ({"amount": ".5"}, "amount"),
        ({"amount": "1,000"}, "amount"),
        ({"amount": "1_000"}, "amount"),
        ({"amount": " 1"}, "amount"),
        ({"amount": "1\n"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"amount": "１２"}, "amount"),
        ({"amount": "١٢"}, "amount"),
        ({"amount": "1.001"}, "amount"),
        ({"amount": "9" * 30}, "amount"),
        ({"amount": "1" * 41}, "amount"),
        ({"assetCode": "usd"}, "assetCode"),
        ({"assetCode": "EUR"}, "assetCode"),
        ({"assetCode": 7}, "assetCode"),
        ({"asset_code": "USD"}, "asset_code"),
        ({"note": 7}, "note"),
        ({"note": ""}, "note"),
        ({"note": "x" * 11}, "note"),
        ({"note": "a\0b"}, "note"),
        ({"quoteId": 7}, "quoteId"),
        ({"notBefore": "2026-11-22"}, "notBefore"),
        ({"notBefore": "2026-11-22T09:30:00"}, "notBefore"),
        ({"notBefore": "2026-13-22T09:30:00Z"}, "notBefore"),
        ({"notBefore": "0001-01-01T00:00:00+14:00"}, "notBefore"),
        ({"notBefore": 1_700_000_000}, "notBefore"),
        ({"lines": {}}, "lines"),
        ({"lines": [{"sku": "a", "quantity": "1"}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "a", "quantity": 1.0}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "a", "quantity": True}]}, "lines.0.quantity"),
    ],
)
def test_invalid_value_is_refused_and_its_field_named(
    customer: SignedInCustomer,
    dollar_balance: Callable[[], str],
    change: dict[str, Any],
    field: str,
) -> None:
    response = customer.request_gift(**change)
    assert [
        error["field"] for error in check_problem(response, 422, "validation_failed")["errors"]
    ] == [field]
    assert dollar_balance() == "0"


def test_malformed_public_id_is_not_found(customer: SignedInCustomer) -> None:
    check_problem(customer.request_gift(quoteId="qt_nonsense"), 404, "not_found")
    check_problem(customer.request_gift(quoteId="trd_01k9abcdefghjkmnpqrstvwxyz"), 404, "not_found")


def test_json_may_be_nested_32_levels_deep_and_not_33() -> None:
    assert json_body.parse_json(b"[" * 32 + b"]" * 32)
    assert len(json_body.parse_json(b"[" + b"[]," * 500 + b"[]]")) == 501
    with pytest.raises(MalformedJson):
        json_body.parse_json(b"[" * 33 + b"]" * 33)


def test_escaped_surrogate_pair_is_accepted_as_text(customer: SignedInCustomer) -> None:
    headers = customer.headers(Idempotency_Key="k", Content_Type="application/json")
    raw = b'{"assetCode":"USD","amount":"1.00","note":"\\ud83d\\ude00"}'
    assert customer.client.post(GIFTS, data=raw, headers=headers).json["note"] == "😀"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 201),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=latin-1", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/json", 415),
        ("application/vnd.api+json", 415),
        ("", 415),
    ],
)
def test_only_utf8_json_content_types_are_accepted(
    customer: SignedInCustomer, content_type: str, status: int
) -> None:
    headers = customer.headers(Idempotency_Key="k", Content_Type=content_type)
    assert customer.client.post(GIFTS, data=GOOD, headers=headers).status_code == status


class EndlessBody(io.RawIOBase):
    """An endless body of spaces that counts the bytes read from it."""

    bytes_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.bytes_read += len(buffer)
        buffer[:] = b" " * len(buffer)
        return len(buffer)


@pytest.mark.parametrize(
    ("environ", "bytes_read_max"),
    [
        ({"CONTENT_LENGTH": str(10 * 1024 * 1024)}, 0),
        # A chunked body has no length: reading stops at the limit.
        ({"wsgi.input_terminated": True}, 512 * 1024),
    ],
)
def test_body_above_the_size_limit_is_refused_without_reading_it_whole(
    customer: SignedInCustomer,
    dollar_balance: Callable[[], str],
    environ: dict[str, Any],
    bytes_read_max: int,
) -> None:
    body = EndlessBody()
    response = customer.client.post(
        GIFTS,
        headers=customer.headers(Idempotency_Key="k", Content_Type="application/json"),
        environ_overrides={"wsgi.input": body, **environ},
    )
    assert "at most 262144 bytes" in check_problem(response, 413, "body_too_large")["detail"]
    assert body.bytes_read <= bytes_read_max
    assert dollar_balance() == "0"


@pytest.mark.parametrize(
    ("is_chunked", "size", "status"),
    [
        (False, 256 * 1024, 201),
        (False, 256 * 1024 + 1, 413),
        (True, 256 * 1024, 201),
        (True, 256 * 1024 + 1, 413),
    ],
)
def test_body_is_taken_up_to_the_size_limit(
    customer: SignedInCustomer, is_chunked: bool, size: int, status: int
) -> None:
    body = json.dumps({"assetCode": "USD", "amount": "1.00"}).encode().ljust(size)
    source = {"input_stream": io.BytesIO(body)} if is_chunked else {"data": body}
    response = customer.client.post(
        GIFTS,
        headers=customer.headers(Idempotency_Key="k", Content_Type="application/json"),
        environ_overrides={"wsgi.input_terminated": True} if is_chunked else {},
        **source,
    )
    assert response.status_code == status, response.text
