"""Requests made from the served OpenAPI document, fitting and not, by a customer and by nobody.

Whatever is sent: no failure of ours, no answer that the document does not describe, no effect of a
refused request or of a read, and nothing for nobody that is for somebody.
"""

import sys
from collections import Counter
from collections.abc import Callable
from itertools import count
from math import ceil

import pytest
import schemathesis
from flask import Flask, Response, request
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from app.kit.db import Database
from tests.api_client import ApiClient
from tests.drill import IS_FULL_SIZE, SEED, choose_size
from tests.people import set_prices
from tests.unchanged_database import table_digests

REQUESTS = choose_size(1_000, 20_000)
#: Prices go stale within a minute.
PRICED_EVERY = 100
NOBODY_EVERY = 4
SECURED = frozenset({"x-content-type-options", "content-security-policy", "x-request-id"})
#: Not among them: that all that fits the schemas succeeds. Accounts have balances, too.
REJECTION = checks.negative_data_rejection
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    REJECTION,
    checks.missing_required_header,
]
#: A wrong password leaves a count behind, on purpose.
COUNTED = frozenset({"login_failures"})


class Fuzz:
    """Sends cases, all in a customer's name and some in nobody's, and looks at what each left."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.database: Database = app.extensions["database"]
        self.customer = ApiClient.customer(
            app, USD="1000000000", USDC="1000000000", PAXG="1000000", XAU_s="1000000",
            XAG_s="1000000", XPT_s="1000000", XPD_s="1000000", XCU_s="1000000",
        )  # fmt: skip
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.cases = 0
        self._before = self._state()

    @property
    def sent(self) -> int:
        """Requests so far."""
        return self.statuses.total()

    def send(self, case: Case) -> None:
        """One case, with every check."""
        if self.cases % PRICED_EVERY == 0:
            mids = {"AU": "4000", "AG": "50", "PT": "1600", "PD": "1500", "CU": "0.4"}
            set_prices(self.database, PAXG="4000", **mids)
            self._before = self._state()
        self.cases += 1
        if self.cases % NOBODY_EVERY == 0:
            status = self._send(case, {})
            if case.operation.definition.raw["security"]:
                assert status == 401, f"{case.operation.label} answers nobody with {status}"
        status = self._send(case, {"Authorization": f"Bearer {self.customer.token}"})
        if status == 204 and case.path == "/api/auth/logout":
            self.customer.log_in()
            self._before = self._state()

    def _send(self, case: Case, headers: dict[str, str]) -> int:
        response = case.call(headers=headers)
        status = response.status_code
        self.statuses[case.operation.label, status] += 1
        assert status < 500, response.text
        # What is wrong with a form may be lost on its way into one: a field that has no value.
        is_form = case.media_type == "multipart/form-data"
        checked = [each for each in CHECKS if not (is_form and each is REJECTION)]
        case.validate_response(response, checks=checked)
        assert set(response.headers) >= SECURED
        after = self._state()
        if status >= 400 or case.method == "GET":
            assert after == self._before, f"{case.operation.label} {status} left something behind"
        self._before = after
        return status

    def _state(self) -> dict[str, str]:
        tables = table_digests(self.database)
        return {table: rows for table, rows in tables.items() if table not in COUNTED}


def operations(app: Flask) -> list[APIOperation]:
    """All of the document. Whether a request carries a token is decided here, not by chance."""
    generation = GenerationConfig(with_security_parameters=False)
    projects = ProjectsConfig(default=ProjectConfig(generation=generation))
    schema = schemathesis.openapi.from_wsgi(
        "/api/openapi.json", app, config=SchemathesisConfig(projects=projects)
    )
    found = [result.ok() for result in schema.get_all_operations()]
    documented = app.test_client().get("/api/openapi.json").json["paths"]
    assert len(found) == sum(len(path.keys() - {"parameters"}) for path in documented.values())
    assert len(found) > 10
    return found


def run(fuzz: Fuzz, found: list[APIOperation], requests: int) -> None:
    """So many requests, spread over the operations, half of them fitting the document."""
    kinds = [operation.as_strategy(generation_mode=GenerationMode.POSITIVE) for operation in found]
    kinds += [
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        for operation in found
        if operation.body or operation.query or operation.headers
    ]
    # An operation that takes nothing has few different requests, so the rest gets its share later.
    for number in count(SEED):
        left = requests - fuzz.sent
        if left <= 0:
            break
        sys.stdout.write(f"fuzz: {fuzz.sent} of {requests} requests, seed {SEED}\n")
        # In parts, so that a long run shows how far it is.
        each = ceil(min(left, 2_000) / len(kinds) * NOBODY_EVERY / (NOBODY_EVERY + 1))
        for kind in kinds:
            send_some(fuzz, kind, each, number)


def send_some(fuzz: Fuzz, kind: SearchStrategy[Case], requests: int, first: int) -> None:
    """Up to so many requests of one kind."""

    @seed(first)
    @settings(
        max_examples=requests,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(kind)
    def send(case: Case) -> None:
        fuzz.send(case)

    send()


@pytest.mark.drill(name="fuzz")
@pytest.mark.timeout(choose_size(600, 7_200))
def test_no_request_breaks_the_api_or_leaks_data(
    lone_app: Flask, record_property: Callable[[str, object], None]
) -> None:
    fuzz = Fuzz(lone_app)
    found = operations(lone_app)
    run(fuzz, found, REQUESTS)
    for (label, status), times in sorted(fuzz.statuses.items()):
        sys.stdout.write(f"{times:6} {status} {label}\n")
    assert {label for label, _ in fuzz.statuses} == {operation.label for operation in found}
    # Had nothing ever succeeded, nothing would have been tried.
    succeeded = {label for label, status in fuzz.statuses if status < 400}
    # Among a thousand requests an order may find no good quote; among twenty thousand it does.
    ordered = {"POST /api/trade/order"} if IS_FULL_SIZE else set()
    assert succeeded >= {"POST /api/trade/quote", "GET /api/trade/history", *ordered}
    good = sum(times for (_, status), times in fuzz.statuses.items() if status < 400)
    record_property(
        "evidence",
        f"{fuzz.sent:,} requests to all {len(found)} operations of the document, {good:,} of them "
        "successful: no 5xx, no answer outside its schema, no effect of a refusal or of a read, "
        "nothing for nobody.",
    )


def fail_with_500(app: Flask, response: Response) -> None:
    """Wrong: a request fails on our side."""
    if response.status_code == 422:
        response.status_code = 500


def add_undeclared_field(app: Flask, response: Response) -> None:
    """Wrong: an answer has a field that the document does not know."""
    if response.status_code == 200:
        response.set_data(b'{"hash": "$argon2id$",' + response.get_data()[1:])


def write_despite_refusal(app: Flask, response: Response) -> None:
    """Wrong: a refused request writes a row again."""
    if response.status_code == 422:
        with app.extensions["database"].transaction() as session:
            session.send("UPDATE users SET first_name = first_name")


def serve_without_token(app: Flask, response: Response) -> None:
    """Wrong: without a token somebody's data are answered."""
    if "Authorization" not in request.headers:
        response.status_code = 200
        response.content_type = "application/json"
        response.set_data(b'{"data": [], "nextCursor": null}')


@pytest.mark.drill(name="fuzz")
@pytest.mark.parametrize(
    "wrong", [fail_with_500, add_undeclared_field, write_despite_refusal, serve_without_token]
)
def test_control_defect_is_caught(
    lone_app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[Flask, Response], None],
    record_property: Callable[[str, object], None],
) -> None:
    """The negative control."""
    fuzz = Fuzz(lone_app)
    (history,) = (one for one in operations(lone_app) if one.label == "GET /api/trade/history")

    def spoil(response: Response) -> Response:
        if request.path == "/api/trade/history":
            wrong(lone_app, response)
        return response

    before = lone_app.after_request_funcs.get(None, [])
    monkeypatch.setitem(lone_app.after_request_funcs, None, [*before, spoil])
    with pytest.raises((AssertionError, ExceptionGroup, FailureGroup)):
        run(fuzz, [history], 200)
    told = (wrong.__doc__ or "").removeprefix("Wrong: ").rstrip(".")
    record_property("evidence", f"Control: a product that differs ({told}) was caught.")
