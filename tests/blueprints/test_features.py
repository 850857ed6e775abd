"""Routes that can be switched off: which they are, when they are off, and what is checked first."""

from collections.abc import Callable, Iterator
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access import Role
from app.blueprints.api_operation import ApiOperation
from app.flags.rules import Feature
from app.identity.models import User
from app.kit.db import Database
from tests.blueprints.conftest import SignedInCustomer, check_problem
from tests.flags.cohorts import ceiling, store_cohort
from tests.people import PASSWORD, People
from tests.rows import change_rows

GIFTS = "/api/probe/support/gifts"
REDEMPTION, ONCHAIN = "ENABLE_VAULT_REDEMPTION", "ENABLE_ONCHAIN"
#: The routes of each feature by their paths, and whether these flags switch it on.
RULES: dict[str, tuple[Feature, Callable[[int, bool, bool], bool]]] = {
    "/api/support/": (Feature.SUPPORT, lambda phase, _redemption, _chain: phase >= 2),
    "/api/probe/support/": (Feature.SUPPORT, lambda phase, _redemption, _chain: phase >= 2),
    "/api/vault/": (Feature.VAULT_REDEMPTION, lambda phase, on, _chain: phase >= 3 and on),
    "/api/redeem": (Feature.VAULT_REDEMPTION, lambda phase, on, _chain: phase >= 3 and on),
    "/api/chain/": (Feature.ONCHAIN, lambda phase, _redemption, on: phase >= 3 and on),
}


def list_operations(app: Flask) -> Iterator[tuple[str, ApiOperation]]:
    """Yield each path of the API with its operation, the probes included."""
    for rule in app.url_map.iter_rules():
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation is not None:
            yield rule.rule, operation


def rule_of(path: str) -> str | None:
    return next((prefix for prefix in RULES if path.startswith(prefix)), None)


def gated_paths(app: Flask) -> list[tuple[str, str, str]]:
    """Return method, path and rule of each gated route, with variables filled in."""
    return [
        (operation.method, path.replace("<", "").replace(">", ""), rule)
        for path, operation in list_operations(app)
        if (rule := rule_of(path)) is not None
    ]


def test_routes_of_a_feature_declare_it_and_no_others_do(probe_app: Flask) -> None:
    for path, operation in list_operations(probe_app):
        rule = rule_of(path)
        assert operation.feature is (RULES[rule][0] if rule else None), path
    pages = [view for view in probe_app.view_functions.values() if not hasattr(view, "operation")]
    assert not any(hasattr(view, "feature") for view in pages)


def test_each_gated_route_follows_the_flags_of_the_environment(
    variant: Callable[..., Flask], people: People
) -> None:
    """Three phases, two switches and two strategies, by the route: 501, or what it else returns.
    An unknown caller learns nothing of it."""
    app = variant(rate_limit="off")
    client = app.test_client()
    sign_in = {"email": people.staff(Role.ADMIN).email, "password": PASSWORD}
    token = client.post("/api/auth/login", json=sign_in).get_json()["accessToken"]
    gated = gated_paths(app)
    assert gated
    for phase, redemption, chain, strategy in product(
        (1, 2, 3), (False, True), (False, True), ("JM", "BRINKS")
    ):
        switches = [name for name, on in ((REDEMPTION, redemption), (ONCHAIN, chain)) if on]
        with ceiling(phase, *switches, strategy=strategy):
            for method, path, rule in gated:
                _, is_on = RULES[rule]
                check_problem(client.open(path, method=method), 401, "token_invalid")
                headers = {"Authorization": f"Bearer {token}"}
                response = client.open(path, method=method, headers=headers)
                is_off = response.status_code == 501
                assert is_off is not is_on(phase, redemption, chain), (path, phase, switches)
                if is_off:
                    check_problem(response, 501, "feature_disabled")


class TestOrderOfChecks:
    """The feature is checked after the token and before everything else."""

    def post(self, client: FlaskClient, headers: dict[str, str]) -> object:
        headers = {"Content-Type": "text/plain", **headers}
        return client.post(GIFTS, data=b"{", headers=headers)

    def test_token_comes_first(self, customer: SignedInCustomer) -> None:
        with ceiling(1):
            check_problem(self.post(customer.client, {}), 401, "token_invalid")
            signed_out = customer.client.post("/api/auth/logout", headers=customer.headers())
            assert signed_out.status_code == 204
            check_problem(self.post(customer.client, customer.headers()), 401, "token_invalid")

    def test_feature_comes_before_permission_key_and_body(
        self, customer: SignedInCustomer, database: Database
    ) -> None:
        with ceiling(1):
            check_problem(self.post(customer.client, customer.headers()), 501, "feature_disabled")
            with database.transaction() as session:
                change_rows(session, User, User.id == customer.user_id, role="SUPPORT")
            check_problem(self.post(customer.client, customer.headers()), 501, "feature_disabled")
        check_problem(self.post(customer.client, customer.headers()), 403, "permission_denied")

    def test_valid_request_has_no_effect_while_the_feature_is_off(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        request = {"assetCode": "USD", "amount": "1.00"}
        headers = customer.headers(Idempotency_Key="once")
        with ceiling(1):
            off = customer.client.post(GIFTS, json=request, headers=headers)
            check_problem(off, 501, "feature_disabled")
        assert dollar_balance() == "0"
        # The refusal was not stored for the key.
        assert customer.client.post(GIFTS, json=request, headers=headers).status_code == 204
        assert dollar_balance() == "100"


@pytest.fixture
def everyone(database: Database) -> Iterator[None]:
    """Give the feature back to everyone afterwards."""
    yield
    store_cohort(database, Feature.SUPPORT)


@pytest.mark.usefixtures("everyone")
def test_person_outside_the_cohort_gets_501_and_one_inside_it_does_not(
    customer: SignedInCustomer, database: Database
) -> None:
    request = {"assetCode": "USD", "amount": "1.00"}
    store_cohort(database, Feature.SUPPORT, 0)
    headers = customer.headers(Idempotency_Key="outside")
    outside = customer.client.post(GIFTS, json=request, headers=headers)
    check_problem(outside, 501, "feature_disabled")
    store_cohort(database, Feature.SUPPORT, 0, [customer.user_id])
    assert customer.client.post(GIFTS, json=request, headers=headers).status_code == 204


def test_document_names_the_feature_and_its_refusal(probe_app: Flask) -> None:
    with probe_app.test_request_context():
        operation = probe_app.extensions["api_document"]()["paths"][GIFTS]["post"]
    assert "feature `support`, which needs PHASE 2 or later." in operation["description"]
    assert "`feature_disabled`" in operation["responses"]["501"]["description"]
