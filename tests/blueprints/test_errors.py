"""Every refusal has a status, a form that its reader expects, and a place in the catalogue."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.blueprints import errors as blueprints_errors
from app.kit.errors import Refusal
from tests.blueprints.conftest import SignedInCustomer, check_problem


def test_a_code_means_one_status() -> None:
    for code, kinds in blueprints_errors.list_error_codes().items():
        assert len({blueprints_errors.status_of(kind) for kind in kinds}) == 1, code


def test_the_catalogue_page_lists_every_code(client: FlaskClient) -> None:
    page = client.get("/api/docs/errors")
    assert page.status_code == 200
    listed = re.findall(r'<section id="([a-z_]+)">', page.text)
    assert listed == sorted(blueprints_errors.list_error_codes())
    assert set(listed) >= {"not_found", "insufficient_funds", "rate_limited", "quote_expired"}


def test_every_refusal_says_what_it_means() -> None:
    for code, kinds in blueprints_errors.list_error_codes().items():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", code)
        assert all(kind.__doc__ and kind.title != Refusal.title for kind in kinds), code


class TestProblems:
    def test_unknown_path(self, client: FlaskClient) -> None:
        check_problem(client.get("/api/nothing/here"), 404, "not_found")
        check_problem(client.post("/webhooks/nobody"), 404, "not_found")

    def test_wrong_method(self, client: FlaskClient) -> None:
        answer = client.delete("/api/auth/login")
        check_problem(answer, 405, "method_not_allowed")
        assert sorted(answer.headers["Allow"].split(", ")) == ["OPTIONS", "POST"]

    def test_a_surprise_tells_nothing(
        self, customer: SignedInCustomer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answer = customer.request_gift(note="break")
        body = check_problem(answer, 500, "internal_error")
        assert "canary" not in answer.text
        assert "Broken" not in answer.text
        assert body["requestId"]

    def test_nothing_that_is_answered_is_kept_by_caches(self, client: FlaskClient) -> None:
        assert client.get("/api/nothing").headers["Cache-Control"] == "no-store"


class TestPages:
    def test_unknown_page(self, client: FlaskClient) -> None:
        answer = client.get("/nothing<script>")
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
        assert "<script>" not in answer.text
        assert answer.headers["X-Request-Id"] in answer.text
        assert "<h1>Page not found</h1>" in answer.text

    @pytest.mark.parametrize("path", ["/apiary", "/healthy", "/"])
    def test_what_only_looks_like_the_api_is_a_page(self, client: FlaskClient, path: str) -> None:
        assert client.get(path).mimetype == "text/html"

    def test_bad_host(self, app: Flask) -> None:
        app.config["TRUSTED_HOSTS"] = ["example.com"]
        try:
            client = app.test_client()
            check_problem(client.get("/api/auth/me"), 400, "bad_request")
            assert client.get("/health/live", base_url="http://example.com").status_code == 200
        finally:
            app.config["TRUSTED_HOSTS"] = None


@pytest.mark.parametrize("status", sorted(set(blueprints_errors.STATUS_BY_KIND.values())))
def test_problems_are_json_of_rfc_9457(app: Flask, status: int) -> None:
    kind = next(kind for kind, given in blueprints_errors.STATUS_BY_KIND.items() if given == status)
    arguments = {"Invalid": ("field", "message"), "RateLimited": ("slow down",)}.get(
        kind.__name__, ()
    )
    options = {"retry_after_seconds": 7} if kind.__name__ == "RateLimited" else {}
    with app.test_request_context("/api/x"):
        answer = blueprints_errors.render_refusal(kind(*arguments, **options))
    assert answer.status_code == status
    body = json.loads(answer.get_data())
    assert {"type", "title", "status", "detail", "code", "requestId"} <= set(body)
    assert ("Retry-After" in answer.headers) == (status in {429, 503})
