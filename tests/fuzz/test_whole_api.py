"""Valid and invalid requests generated from the OpenAPI document, with and without a token.

No request causes a 5xx or a response that the document does not describe. Refused requests and
reads change no data, and no request without a token returns data.
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

REQUESTS = choose_size(1_800, 20_000)
#: Prices go stale within a minute.
PRICED_EVERY = 100
ANONYMOUS_EVERY = 4
SECURITY_HEADERS = frozenset({"x-content-type-options", "content-security-policy", "x-request-id"})
#: Not checked: that every valid request succeeds. A balance may be too small.
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
#: A wrong password, or code of a text message, is counted, on purpose.
COUNTER_TABLES = frozenset({"login_failures", "phone_codes"})
#: A shown statement is an issued one: its period is closed.
WRITTEN_BY_READING = {"GET /api/wallet/statements": {"account_closings"}}


class FuzzRun:
    """Sends cases as a customer, some also without a token, and checks what each changed."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.database: Database = app.extensions["database"]
        self.customer = self._new_customer()
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.cases = 0
        self._before = self._state()

    @property
    def sent(self) -> int:
        """Return the number of requests so far."""
        return self.statuses.total()

    def send(self, case: Case) -> None:
        """Send one case with every check."""
        if self.cases % PRICED_EVERY == 0:
            mids = {"AU": "4000", "AG": "50", "PT": "1600", "PD": "1500", "CU": "0.4"}
            set_prices(self.database, PAXG="4000", **mids)
            self._before = self._state()
        self.cases += 1
        if self.cases % ANONYMOUS_EVERY == 0:
            status = self._send(case, {})
            credentials = case.operation.definition.raw["security"]
            if credentials and {} not in credentials:
                assert status == 401, f"{case.operation.label} returned {status} without a token"
        status = self._send(case, {"Authorization": f"Bearer {self.customer.token}"})
        if status < 400 and case.method != "GET" and not self._is_signed_in():
            # Their password is in an example of the document: chance can change it, or sign out.
            self.customer = self._new_customer()
            self._before = self._state()

    def _new_customer(self) -> ApiClient:
        return ApiClient.create_customer(
            self.app, USD="1000000000", USDC="1000000000", PAXG="1000000", XAU_s="1000000",
            XAG_s="1000000", XPT_s="1000000", XPD_s="1000000", XCU_s="1000000",
        )  # fmt: skip

    def _is_signed_in(self) -> bool:
        return self.customer.send("GET", "/api/auth/me").status_code == 200

    def _send(self, case: Case, headers: dict[str, str]) -> int:
        response = case.call(headers=headers)
        status = response.status_code
        self.statuses[case.operation.label, status] += 1
        assert status < 500, response.text
        # An invalid form can become valid when it is encoded: a field without a value is lost.
        is_form = case.media_type == "multipart/form-data"
        checked = [check for check in CHECKS if not (is_form and check is REJECTION)]
        case.validate_response(response, checks=checked)
        assert set(response.headers) >= SECURITY_HEADERS
        after = self._state()
        if status >= 400 or case.method == "GET":
            changed = {table for table, rows in after.items() if rows != self._before.get(table)}
            allowed = WRITTEN_BY_READING.get(case.operation.label, set()) if status < 400 else set()
            assert changed <= allowed, f"{case.operation.label} {status} changed {changed}"
        self._before = after
        return status

    def _state(self) -> dict[str, str]:
        tables = table_digests(self.database)
        return {table: rows for table, rows in tables.items() if table not in COUNTER_TABLES}


def operations(app: Flask) -> list[APIOperation]:
    """Return all operations of the document. This test, not chance, decides about tokens."""
    generation = GenerationConfig(with_security_parameters=False)
    projects = ProjectsConfig(default=ProjectConfig(generation=generation))
    schema = schemathesis.openapi.from_wsgi(
        "/api/openapi.json", app, config=SchemathesisConfig(projects=projects)
    )
    listed = [result.ok() for result in schema.get_all_operations()]
    documented = app.test_client().get("/api/openapi.json").json["paths"]
    assert len(listed) == sum(len(path.keys() - {"parameters"}) for path in documented.values())
    assert len(listed) > 10
    return listed


def send_cases(fuzz: FuzzRun, api_operations: list[APIOperation], requests: int) -> None:
    """Send this many requests, spread over the operations, half of them valid."""
    kinds = [
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        for operation in api_operations
    ]
    kinds += [
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        for operation in api_operations
        if operation.body or operation.query or operation.headers
    ]
    # An operation without input has few different requests; the others get its share later.
    for number in count(SEED):
        remaining = requests - fuzz.sent
        if remaining <= 0:
            break
        sys.stdout.write(f"fuzz: {fuzz.sent} of {requests} requests, seed {SEED}\n")
        # In parts, so that a long run shows its progress.
        cases_per_kind = ceil(
            min(remaining, 2_000) / len(kinds) * ANONYMOUS_EVERY / (ANONYMOUS_EVERY + 1)
        )
        for kind in kinds:
            send_cases_of_kind(fuzz, kind, cases_per_kind, number)


def send_cases_of_kind(
    fuzz: FuzzRun, kind: SearchStrategy[Case], requests: int, first_seed: int
) -> None:
    """Send up to this many requests of one kind."""

    @seed(first_seed)
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
    fuzz = FuzzRun(lone_app)
    api_operations = operations(lone_app)
    send_cases(fuzz, api_operations, REQUESTS)
    for (label, status), times in sorted(fuzz.statuses.items()):
        sys.stdout.write(f"{times:6} {status} {label}\n")
    assert {label for label, _ in fuzz.statuses} == {
        operation.label for operation in api_operations
    }
    # Without any success the requests would have tested nothing.
    succeeded = {label for label, status in fuzz.statuses if status < 400}
    # Among a few thousand requests no order may be filled; among twenty thousand one is.
    ordered = {"POST /api/trade/order"} if IS_FULL_SIZE else set()
    assert succeeded >= {"POST /api/trade/quote", "GET /api/trade/history", *ordered}
    good = sum(times for (_, status), times in fuzz.statuses.items() if status < 400)
    record_property(
        "evidence",
        f"{fuzz.sent:,} requests to all {len(api_operations)} operations of the document, {good:,} "
        "of them successful: no 5xx, no response outside its schema, no effect of a refusal or "
        "of a read, no data without a token.",
    )


def fail_with_500(app: Flask, response: Response) -> None:
    """Defect: a request fails with 500."""
    if response.status_code == 422:
        response.status_code = 500


def add_undeclared_field(app: Flask, response: Response) -> None:
    """Defect: a response has an undeclared field."""
    if response.status_code == 200:
        response.set_data(b'{"hash": "$argon2id$",' + response.get_data()[1:])


def write_despite_refusal(app: Flask, response: Response) -> None:
    """Defect: a refused request writes a row."""
    if response.status_code == 422:
        with app.extensions["database"].transaction() as session:
            session.send("UPDATE users SET first_name = first_name")


def serve_without_token(app: Flask, response: Response) -> None:
    """Defect: a request without a token returns data."""
    if "Authorization" not in request.headers:
        response.status_code = 200
        response.content_type = "application/json"
        response.set_data(b'{"data": [], "nextCursor": null}')


@pytest.mark.drill(name="fuzz")
@pytest.mark.parametrize(
    "defect", [fail_with_500, add_undeclared_field, write_despite_refusal, serve_without_token]
)
def test_control_api_with_a_defect_fails_the_checks(
    lone_app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    defect: Callable[[Flask, Response], None],
    record_property: Callable[[str, object], None],
) -> None:
    """Negative control: each defect fails the checks."""
    fuzz = FuzzRun(lone_app)
    (history,) = (
        operation
        for operation in operations(lone_app)
        if operation.label == "GET /api/trade/history"
    )

    def add_defect(response: Response) -> Response:
        if request.path == "/api/trade/history":
            defect(lone_app, response)
        return response

    before = lone_app.after_request_funcs.get(None, [])
    monkeypatch.setitem(lone_app.after_request_funcs, None, [*before, add_defect])
    with pytest.raises((AssertionError, ExceptionGroup, FailureGroup)):
        send_cases(fuzz, [history], 200)
    description = (defect.__doc__ or "").removeprefix("Defect: ").rstrip(".")
    record_property("evidence", f"Control: a product that differs ({description}) was caught.")
