"""Refusals as problem+json or as pages, and the catalogue of error codes."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.blueprints import errors as blueprints_errors
from app.kit.errors import Refusal
from tests.blueprints.conftest import SignedInCustomer, check_problem


def test_error_code_has_one_status() -> None:
    for code, kinds in blueprints_errors.list_error_codes().items():
        assert len({blueprints_errors.status_of(kind) for kind in kinds}) == 1, code


def test_catalogue_page_lists_every_error_code(client: FlaskClient) -> None:
    page = client.get("/api/docs/errors")
    assert page.status_code == 200
    listed = re.findall(r'<section id="([a-z_]+)">', page.text)
    assert listed == sorted(blueprints_errors.list_error_codes())
    assert set(listed) >= {"not_found", "insufficient_funds", "rate_limited", "quote_expired"}


def test_every_refusal_has_a_title_and_a_meaning() -> None:
    for code, kinds in blueprints_errors.list_error_codes().items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
        assert all(kind.__doc__ and kind.title != Refusal.title for kind in kinds), code


class TestProblems:
    def test_unknown_api_path_is_a_404_problem(self, client: FlaskClient) -> None:
        check_problem(client.get("/api/nothing/here"), 404, "not_found")
        check_problem(client.post("/webhooks/nobody"), 404, "not_found")

    def test_wrong_method_is_a_405_problem_with_allow_header(self, client: FlaskClient) -> None:
        response = client.delete("/api/auth/login")
        check_problem(response, 405, "method_not_allowed")
        assert sorted(response.headers["Allow"].split(", ")) == ["OPTIONS", "POST"]

    def test_unexpected_exception_is_a_500_problem_without_its_text(
        self, customer: SignedInCustomer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        response = customer.request_gift(note="break")
        body = check_problem(response, 500, "internal_error")
        assert "canary" not in response.text
        assert "Broken" not in response.text
        assert body["requestId"]

    def test_api_problem_is_not_cached(self, client: FlaskClient) -> None:
        assert client.get("/api/nothing").headers["Cache-Control"] == "no-store"


class TestPages:
    def test_unknown_page_is_an_escaped_404_page_with_the_request_id(
        self, client: FlaskClient
    ) -> None:
        response = client.get("/nothing<script>")
        assert (response.status_code, response.mimetype) == (404, "text/html")
        assert "<script>" not in response.text
        assert response.headers["X-Request-Id"] in response.text
        assert "<h1><bdi>Page not found</bdi></h1>" in response.text

    @pytest.mark.parametrize("path", ["/apiary", "/healthy", "/"])
    def test_path_that_only_begins_like_the_api_is_a_page(
        self, client: FlaskClient, path: str
    ) -> None:
        assert client.get(path).mimetype == "text/html"

    def test_untrusted_host_is_a_400_problem(self, app: Flask) -> None:
        app.config["TRUSTED_HOSTS"] = ["example.com"]
        try:
            client = app.test_client()
            check_problem(client.get("/api/auth/me"), 400, "bad_request")
            assert client.get("/health/live", base_url="http://example.com").status_code == 200
        finally:
            app.config["TRUSTED_HOSTS"] = None


@pytest.mark.parametrize("status", sorted(set(blueprints_errors.STATUS_BY_KIND.values())))
def test_refusal_of_each_status_is_rfc_9457_json(app: Flask, status: int) -> None:
    kind = next(
        kind
        for kind, kind_status in blueprints_errors.STATUS_BY_KIND.items()
        if kind_status == status
    )
    arguments = {"Invalid": ("field", "message"), "RateLimited": ("slow down",)}.get(
        kind.__name__, ()
    )
    options = {"retry_after_seconds": 7} if kind.__name__ == "RateLimited" else {}
    with app.test_request_context("/api/x"):
        response = blueprints_errors.render_refusal(kind(*arguments, **options))
    assert response.status_code == status
    body = json.loads(response.get_data())
    assert {"type", "title", "status", "detail", "code", "requestId"} <= set(body)
    assert ("Retry-After" in response.headers) == (status in {429, 503})
