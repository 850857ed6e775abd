"""NUL characters are refused in every argument, before PostgreSQL would fail on them."""

import io

import pytest
from flask import Flask

from app.access import Role
from tests.api_client import ApiClient
from tests.page_client import Browser
from tests.people import People
from tests.staff import sign_in

SEARCHES = ["/admin/people", "/admin/staff", "/admin/cases", "/admin/audit", "/support/"]


@pytest.fixture
def browser(app: Flask, people: People) -> Browser:
    return sign_in(app, people.staff(Role.ADMIN))


@pytest.mark.parametrize("path", SEARCHES)
def test_search_for_a_nul_is_refused(browser: Browser, path: str) -> None:
    page = browser.get_page(f"{path}?q=a%00b", status=422)
    assert "q: Remove the NUL character." in page.visible_text


@pytest.mark.parametrize("query", ["cursor=%00", "a%00b=1", "limit=1&limit=%00"])
def test_nul_in_a_query_is_refused_and_named(customer: ApiClient, query: str) -> None:
    response = customer.send("GET", "/api/trade/history", query_string=query)
    assert (response.status_code, response.json["code"]) == (422, "validation_failed")
    [problem] = response.json["errors"]
    assert problem["field"] in {"cursor", "ab", "limit"}


def test_nul_in_a_path_is_not_found(customer: ApiClient, browser: Browser) -> None:
    assert customer.send("GET", "/api/me/addresses/%00").status_code == 404
    browser.get_page("/admin/people/usr_%00", status=404)


def test_nul_in_a_form_is_refused(app: Flask) -> None:
    response = app.test_client().post("/auth/login", data={"email": "a\0@example.com"})
    assert response.status_code == 422
    assert "email: Remove the NUL character." in response.text


def test_nul_in_the_name_of_a_file_is_refused(customer: ApiClient) -> None:
    data = {"kind": "passport", "file": (io.BytesIO(b"x"), "a\0.png")}
    response = customer.send(
        "POST",
        "/api/kyc/documents",
        data=data,
        content_type="multipart/form-data",
        headers={"Idempotency-Key": "a key"},
    )
    assert response.status_code in {400, 422}, response.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "a@example.com", "password": "a\0"}, "password"),
        ({"email": {"x": ["", "\0"]}}, "email.x.1"),
        ({"a\0": 1}, "a"),
        ("\0", "body"),
    ],
)
def test_nul_in_json_is_refused_and_named(open_app: Flask, body: object, field: str) -> None:
    response = ApiClient(open_app).send("POST", "/api/auth/login", json=body)
    assert (response.status_code, response.json["code"]) == (422, "validation_failed")
    assert response.json["errors"] == [{"field": field, "message": "Remove the NUL character."}]


def test_backslash_before_u0000_is_no_nul(open_app: Flask) -> None:
    body = {"email": "a@example.com", "password": "\\u0000 correct horse"}
    assert ApiClient(open_app).send("POST", "/api/auth/login", json=body).status_code == 401


@pytest.mark.parametrize("header", ["form-data", 'form-data; filename="a.png"'])
def test_part_of_a_form_without_a_name_is_refused(
    app: Flask, customer: ApiClient, header: str
) -> None:
    body = f"--x\r\nContent-Disposition: {header}\r\n\r\na\r\n--x--\r\n".encode()
    media_type = "multipart/form-data; boundary=x"
    page = app.test_client().post("/auth/login", data=body, content_type=media_type)
    assert (page.status_code, "Give each part of the form a name." in page.text) == (400, True)
    headers = {"Idempotency-Key": "a key"}
    response = customer.send(
        "POST", "/api/kyc/documents", data=body, content_type=media_type, headers=headers
    )
    assert (response.status_code, response.json["code"]) == (400, "malformed_form")
