"""Refusals that any operation may give: one example of each, and the invalid input of all."""

from typing import Any, NoReturn

import pytest

from app.blueprints.api import trade
from app.embedded.network_ports import free_port
from app.factory import create_app
from app.idempotency import service as idempotency
from app.kit.errors import Unavailable
from tests.api_client import assert_problem
from tests.api_document.examples import RecordingClient
from tests.api_document.play import CONVERSION, Play

_ORDER = "/api/trade/order"


def refuse_any_request(ada: RecordingClient) -> None:
    """Refuse what has no token, no permission, no key or no readable body."""
    ada.refuses_for_all = True
    unsigned = {"Authorization": "Bearer x"}
    assert_problem(ada.send("GET", "/api/auth/me", headers=unsigned), 401, "token_invalid")
    assert_problem(ada.get("/api/admin/exposure"), 403, "permission_denied")
    without_key = ada.send("POST", _ORDER, json=CONVERSION)
    assert_problem(without_key, 400, "idempotency_key_required")
    for content_type, body, status, code in (
        ("application/json", b"{", 400, "malformed_json"),
        ("text/plain", b"{}", 415, "unsupported_media_type"),
        ("application/json", b" " * 2_000_000, 413, "body_too_large"),
    ):
        refused = ada.send("POST", "/api/trade/quote", data=body, content_type=content_type)
        assert_problem(refused, status, code)
    broken = "multipart/form-data; boundary=x"
    form = ada.send("POST", "/api/kyc/documents", data=b"--y", content_type=broken)
    assert_problem(form, 400, "malformed_form")
    ada.app.config["TRUSTED_HOSTS"] = ["example.com"]
    try:
        assert_problem(ada.get("/api/auth/me"), 400, "bad_request")
    finally:
        ada.app.config["TRUSTED_HOSTS"] = None
        ada.refuses_for_all = False


def refuse_invalid_input(
    client: RecordingClient, paths: tuple[str, ...], *, others: bool = False
) -> None:
    """Send each operation under these paths, or each of the others, too little, or a field that it
    does not know."""
    definition = client.document.definition
    for template, methods in definition["paths"].items():
        for method, operation in methods.items():
            if method == "parameters" or "422" not in operation["responses"]:
                continue
            if template.startswith(paths) is others:
                continue
            path = template.replace("{", "").replace("}", "")
            options = _invalid_input(definition, method, operation)
            if _takes_key(operation):
                options["headers"] = {"Idempotency-Key": "6d9a2f9f"}
            refused = client.send(method.upper(), path, **options)
            assert_problem(refused, 422, "validation_failed")


def report_health(play: Play) -> None:
    """Report a process that serves, and one whose database is away."""
    settings = play.app.extensions["settings"]
    away = create_app(
        settings.model_copy(
            update={"database_url": f"postgresql+psycopg://x@127.0.0.1:{free_port()}/x"}
        )
    )
    for app, status in ((away, 503), (play.app, 200)):
        monitor = play.client("monitor", app)
        for path in ("/health", "/health/ready"):
            assert monitor.send_unchecked("GET", path).status_code == status
        monitor.send_unchecked("GET", "/health/live")
    play.provide()


def _takes_key(operation: dict[str, Any]) -> bool:
    return any(each.get("name") == "Idempotency-Key" for each in operation["parameters"])


def _invalid_input(
    definition: dict[str, Any], method: str, operation: dict[str, Any]
) -> dict[str, Any]:
    if "requestBody" not in operation:
        return {"query_string": {"note": "x"}} if method == "get" else {"json": {"note": "x"}}
    [(media_type, media)] = operation["requestBody"]["content"].items()
    schema = definition["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
    body: dict[str, Any] = {} if schema.get("required") else {"note": "x"}
    if media_type == "application/json":
        return {"json": body}
    return {"data": {"note": "x"}, "content_type": media_type}


def fail(play: Play, ada: RecordingClient, patch: pytest.MonkeyPatch) -> None:
    """Refuse a duplicate of a request in progress; fail by a mistake, and without a database."""
    ada.refuses_for_all = True
    request = idempotency.IdempotentRequest(ada.user_id, "the same key", b"")
    with play.database.transaction() as session:
        session.rows(*idempotency.lock_statement(request))
        duplicate = ada.post(_ORDER, CONVERSION, key="the same key")
    assert_problem(duplicate, 409, "idempotency_in_progress")
    for reason, status in ((KeyError("price"), 500), (Unavailable(), 503)):

        def fail_with(*_arguments: object, reason: Exception = reason) -> NoReturn:
            raise reason

        with patch.context() as broken:
            broken.setattr(trade.pricing_queries, "market_prices", fail_with)
            assert ada.send_unchecked("GET", "/api/trade/prices").status_code == status
    limited = create_app(
        play.app.extensions["settings"].model_copy(update={"rate_limit": "2/minute"})
    )
    try:
        program = play.client("program", limited)
        program.refuses_for_all = True
        for _ in range(3):
            response = program.get("/api/trade/prices")
        assert_problem(response, 429, "rate_limited")
    finally:
        limited.extensions["database"].engine.dispose()
