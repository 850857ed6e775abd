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
SECURED = "X-Content-Type-Options", "Content-Security-Policy", "X-Request-Id"
#: Not among them: that all which fits the schemas succeeds. Accounts have balances, names have rules.
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
    """Sends cases in the name of one caller and looks at what each left behind."""

    def __init__(self, app: Flask, caller: ApiClient | None) -> None:
        self.app = app
        self.database: Database = app.extensions["database"]
        self.caller = caller
        self.statuses: Counter[int] = Counter()
        self.seen: Counter[str] = Counter()
        self._before = fingerprint(self.database)

    @property
    def sent(self) -> int:
        return sum(self.statuses.values())

    def send(self, case: Case) -> None:
        """One request, and every check."""
        if self.sent % PRICED_EVERY == 0:
            set_prices(
                self.database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="4000"
            )
        token = self.caller.token if self.caller else None
        response = case.call(headers={"Authorization": f"Bearer {token}"} if token else {})
        status = response.status_code
        self.statuses[status] += 1
        self.seen[case.operation.label] += 1
        assert status < 500, response.text
        case.validate_response(response, checks=CHECKS)
        for name in SECURED:
            assert name.lower() in response.headers, name
        if self.caller is None and case.operation.definition.raw["security"]:
            assert status == 401, response.text
        after = fingerprint(self.database)
        if status >= 400 or case.method == "GET":
            assert after == self._before, f"{case.method} {case.path} {status} left something"
        self._before = after
        if self.caller and status == 204 and case.path == "/api/auth/logout":
            self.caller.log_in()


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
            send_some(fuzz, kind, ceil(left / len(kinds)), SEED + number)
    assert set(fuzz.seen) == {operation.label for operation in found}


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
@pytest.mark.parametrize("caller", ["customer", "nobody"])
def test_nothing_breaks_and_nothing_leaks(lone_app: Flask, caller: str) -> None:
    me = None
    if caller == "customer":
        me = ApiClient.customer(
            lone_app, USD="1000000000", USDC="1000000000", PAXG="1000000", XAU_s="1000000",
            XAG_s="1000000", XPT_s="1000000", XPD_s="1000000", XCU_s="1000000",
        )  # fmt: skip
    fuzz = Fuzz(lone_app, me)
    run(fuzz, REQUESTS * (4 if me else 1) // 5)
    print(caller, dict(sorted(fuzz.statuses.items())), dict(fuzz.seen))
