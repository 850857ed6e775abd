"""Requests made from the served OpenAPI document, fitting and not, by a customer and by nobody.

Whatever is sent: no failure of ours, no answer that the document does not describe, no effect of a
refused request or of a read, and nothing for nobody that is for somebody.
"""

import os
from collections import Counter
from itertools import count
from math import ceil

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from app.kit.db import Database
from tests.api import ApiClient, fingerprint
from tests.people import set_prices

REQUESTS = 20_000 if os.environ.get("PBCEX_DRILL") else 1_000
SEED = 19_680_101
#: Prices go stale within a minute.
PRICED_EVERY = 200
NOBODY_EVERY = 4
SECURED = "X-Content-Type-Options", "Content-Security-Policy", "X-Request-Id"
#: Not among them: that all that fits the schemas succeeds. Accounts have balances, too.
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
]


def config() -> SchemathesisConfig:
    """Requests of every kind; whether they carry a token is decided here, not by chance."""
    generation = GenerationConfig(with_security_parameters=False)
    return SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))


class Fuzz:
    """Sends cases, all in a customer's name and some in nobody's, and looks at what each left."""

    def __init__(self, app: Flask, customer: ApiClient) -> None:
        self.app = app
        self.database: Database = app.extensions["database"]
        self.customer = customer
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.cases = 0
        self._before = fingerprint(self.database)

    @property
    def sent(self) -> int:
        """Requests so far."""
        return self.statuses.total()

    def send(self, case: Case) -> None:
        """One case, with every check."""
        if self.cases % PRICED_EVERY == 0:
            set_prices(
                self.database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="4000"
            )
        self.cases += 1
        if self.cases % NOBODY_EVERY == 0:
            status = self._send(case, {})
            if case.operation.definition.raw["security"]:
                assert status == 401, f"{case.operation.label} answers nobody with {status}"
        status = self._send(case, {"Authorization": f"Bearer {self.customer.token}"})
        if status == 204 and case.path == "/api/auth/logout":
            self.customer.log_in()

    def _send(self, case: Case, headers: dict[str, str]) -> int:
        response = case.call(headers=headers)
        status = response.status_code
        self.statuses[case.operation.label, status] += 1
        assert status < 500, response.text
        case.validate_response(response, checks=CHECKS)
        assert {name.lower() for name in SECURED} <= set(response.headers)
        after = fingerprint(self.database)
        if status >= 400 or case.method == "GET":
            assert after == self._before, f"{case.operation.label} {status} left something behind"
        self._before = after
        return status


def operations(app: Flask) -> list[APIOperation]:
    """All of the document."""
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app, config=config())
    found = [result.ok() for result in schema.get_all_operations()]
    documented = app.test_client().get("/api/openapi.json").json["paths"]
    assert len(found) == sum(len(methods) for methods in documented.values()) > 10
    return found


def run(fuzz: Fuzz, requests: int) -> None:
    """So many requests, spread over all operations, half of them fitting the document."""
    found = operations(fuzz.app)
    kinds = [operation.as_strategy(generation_mode=GenerationMode.POSITIVE) for operation in found]
    kinds += [
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        for operation in found
        if operation.body or operation.query or operation.headers
    ]
    # An operation that takes nothing has few different requests, so the rest gets its share later.
    for number in count():
        left = requests - fuzz.sent
        if left <= 0:
            break
        print(f"{fuzz.sent} of {requests} requests, seed {SEED + number}")
        for kind in kinds:
            some = ceil(left / len(kinds) * NOBODY_EVERY / (NOBODY_EVERY + 1))
            send_some(fuzz, kind, some, SEED + number)
    tried = {label for label, _ in fuzz.statuses}
    assert tried == {operation.label for operation in found}


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


@pytest.mark.timeout(3600)
def test_nothing_breaks_and_nothing_leaks(lone_app: Flask) -> None:
    rich = ApiClient.customer(
        lone_app, USD="1000000000", USDC="1000000000", PAXG="1000000", XAU_s="1000000",
        XAG_s="1000000", XPT_s="1000000", XPD_s="1000000", XCU_s="1000000",
    )  # fmt: skip
    fuzz = Fuzz(lone_app, rich)
    run(fuzz, REQUESTS)
    for (label, status), times in sorted(fuzz.statuses.items()):
        print(f"{times:6} {status} {label}")
    # Had nothing ever succeeded, nothing would have been tried.
    succeeded = {label for label, status in fuzz.statuses if status < 400}
    assert succeeded >= {"POST /api/trade/quote", "POST /api/trade/order", "GET /api/trade/history"}
