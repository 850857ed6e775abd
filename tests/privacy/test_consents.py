"""Consents are recorded with policy version, time and channel, and never twice."""

from dataclasses import replace
from datetime import UTC, date, datetime

import psycopg
import pytest
from flask import Flask

from app.access.consents import POLICIES, PolicyName
from app.kit import ids
from app.kit.db import Database
from app.privacy import consents
from app.privacy import rules as privacy_rules
from app.privacy.rules import ConsentChannel, ConsentDecision, ConsentState
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.people import set_prices
from tests.privacy.customer_history import CONSENTS
from tests.unchanged_database import database_unchanged

#: The current version of the terms; of a policy, where a test names none.
TERMS, CURRENT = POLICIES[PolicyName.TERMS].version, -1


@pytest.fixture
def registered_client(open_app: Flask) -> ApiClient:
    """Register a customer who has accepted nothing yet."""
    client = ApiClient(open_app)
    client.register(acceptedPolicies=[])
    client.credit(USD="100.00", PAXG="1")
    return client


@pytest.fixture
def newer_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish another version of the terms."""
    terms = POLICIES[PolicyName.TERMS]
    published = (*terms.published, date(2026, 12, 1))
    newer = {**POLICIES, PolicyName.TERMS: replace(terms, published=published)}
    monkeypatch.setattr(consents, "POLICIES", newer)


def states(client: ApiClient) -> dict[str, str]:
    consents = client.ok(200, client.get(CONSENTS))["data"]
    return {consent["policy"]: consent["state"] for consent in consents}


def stored_decisions(database: Database, client: ApiClient) -> list[tuple[object, ...]]:
    with database.reading() as session:
        return session.rows(
            "SELECT policy, version, given, channel FROM consents WHERE user_id = %s ORDER BY id",
            (client.user_id,),
        )


def decide(client: ApiClient, policy: str, *, given: bool, version: int | None = CURRENT) -> object:
    if version == CURRENT:
        version = next((known.version for known in POLICIES.values() if known.name == policy), 1)
    body = {"policy": policy, "given": given, "version": version}
    return client.post(CONSENTS, body)


def test_new_account_without_consents_has_given_none(
    registered_client: ApiClient, database: Database
) -> None:
    assert states(registered_client) == {
        "terms": "to_be_accepted",
        "privacy": "to_be_accepted",
        "marketing": "not_given",
        "storage_sales": "not_given",
    }
    assert stored_decisions(database, registered_client) == []


def test_consents_are_returned_with_policy_state_and_latest_decision(
    registered_client: ApiClient,
) -> None:
    [terms, *_] = registered_client.ok(200, registered_client.get(CONSENTS))["data"]
    assert terms == {
        "policy": "terms",
        "title": "Terms of service",
        "required": True,
        "state": "to_be_accepted",
        "currentVersion": TERMS,
        "url": f"/policies/terms/{TERMS}",
        "latest": None,
    }


def test_registration_records_the_accepted_policy_versions(
    open_app: Flask, database: Database
) -> None:
    client = ApiClient(open_app)
    client.register(acceptedPolicies=[{"policy": "terms", "version": TERMS}])
    assert states(client)["terms"] == "accepted"
    assert states(client)["privacy"] == "to_be_accepted"
    assert stored_decisions(database, client) == [("terms", TERMS, True, "registration")]


@pytest.mark.parametrize(
    ("accepted", "status"),
    [
        ([{"policy": "terms", "version": TERMS + 1}], 409),
        ([{"policy": "terms", "version": 0}], 422),
        ([{"policy": "terms", "version": True}], 422),
        ([{"policy": "cookies", "version": 1}], 422),
        ([{"policy": "terms", "version": TERMS}] * 2, 422),
        ([{"policy": "terms"}], 422),
        ({"terms": 1}, 422),
        (None, 422),
    ],
)
def test_registration_with_an_invalid_consent_is_refused(
    open_app: Flask, database: Database, accepted: object, status: int
) -> None:
    client = ApiClient(open_app)
    body = {"email": client.email, "password": "correct horse", "firstName": "A", "lastName": "B"}
    with database_unchanged(database):
        response = client.post("/api/auth/register", {**body, "acceptedPolicies": accepted})
    assert response.status_code == status


def test_money_moves_only_once_the_required_policies_are_accepted(
    registered_client: ApiClient, database: Database
) -> None:
    """An account that accepted nothing could move all of its money."""
    set_prices(database, AU="4000", PAXG="4000")
    order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "10.00"}
    bank = {"accountHolder": "Ada Lovelace", "routingNumber": "021000021", "accountNumber": "1234"}
    requests = [
        ("trade/quote", order),
        ("trade/order", order),
        ("wallet/transfer", {"asset": "PAXG", "amount": "1", "from": "funding", "to": "trading"}),
        ("wallet/deposit", {"method": "bank", "asset": "USD", "amount": "10.00"}),
        ("wallet/withdraw",
         {"method": "bank", "asset": "USD", "amount": "10.00", "destination": bank}),
    ]  # fmt: skip
    for path, body in requests:
        with database_unchanged(database):
            response = registered_client.post(f"/api/{path}", body)
        assert_problem(response, 403, "policies_not_accepted")
        assert response.json["detail"] == (
            "Accept the policies first, with POST /api/me/consents:"
            f" terms, version {TERMS} and privacy, version 2."
        )
    assert registered_client.available_balances() == {"USD": "100.00", "PAXG": "1.00000000"}
    decide(registered_client, "terms", given=True)
    with database_unchanged(database):
        response = registered_client.post("/api/trade/order", order)
    assert_problem(response, 403, "policies_not_accepted")
    decide(registered_client, "privacy", given=True)
    registered_client.ok(201, registered_client.post("/api/trade/order", order))


def test_giving_and_withdrawing_consent_are_both_recorded(
    registered_client: ApiClient, database: Database
) -> None:
    assert decide(registered_client, "marketing", given=True).json["state"] == "accepted"
    assert (
        decide(registered_client, "marketing", given=False, version=None).json["state"]
        == "withdrawn"
    )
    assert decide(registered_client, "marketing", given=True).json["state"] == "accepted"
    assert stored_decisions(database, registered_client) == [
        ("marketing", 1, True, "api"),
        ("marketing", 1, False, "api"),
        ("marketing", 1, True, "api"),
    ]


@pytest.mark.parametrize("given", [True, False])
def test_repeated_decision_is_recorded_once(
    registered_client: ApiClient, database: Database, given: bool
) -> None:
    if not given:
        decide(registered_client, "marketing", given=True)
    decide(registered_client, "marketing", given=given)
    with database_unchanged(database):
        assert decide(registered_client, "marketing", given=given).status_code == 200


def test_withdrawing_a_consent_never_given_records_nothing(
    registered_client: ApiClient, database: Database
) -> None:
    with database_unchanged(database):
        assert decide(registered_client, "marketing", given=False).json["state"] == "not_given"


def test_withdrawing_a_required_consent_is_refused(
    registered_client: ApiClient, database: Database
) -> None:
    decide(registered_client, "terms", given=True)
    with database_unchanged(database):
        assert_problem(decide(registered_client, "terms", given=False), 409, "consent_required")


def test_consent_to_an_outdated_version_is_refused(
    registered_client: ApiClient, database: Database
) -> None:
    with database_unchanged(database):
        assert_problem(
            decide(registered_client, "terms", given=True, version=TERMS + 1),
            409,
            "policy_outdated",
        )
        assert wrong_fields(decide(registered_client, "terms", given=True, version=None)) == [
            "version"
        ]
        assert wrong_fields(decide(registered_client, "cookies", given=True)) == ["policy"]


@pytest.mark.usefixtures("newer_terms")
def test_new_policy_version_has_to_be_accepted(
    registered_client: ApiClient, database: Database
) -> None:
    with database.transaction() as session:
        session.send(
            "INSERT INTO consents (id, user_id, policy, version, given, decided_at, channel)"
            " VALUES (%s, %s, 'terms', %s, true, now(), 'api')",
            (ids.new(), registered_client.user_id, TERMS),
        )
    [terms, *_] = registered_client.ok(200, registered_client.get(CONSENTS))["data"]
    assert (terms["state"], terms["currentVersion"]) == ("to_be_accepted", TERMS + 1)
    assert (terms["latest"]["version"], terms["latest"]["given"]) == (TERMS, True)
    assert_problem(
        decide(registered_client, "terms", given=True, version=TERMS), 409, "policy_outdated"
    )
    assert (
        decide(registered_client, "terms", given=True, version=TERMS + 1).json["state"]
        == "accepted"
    )
    assert stored_decisions(database, registered_client) == [
        ("terms", TERMS, True, "api"),
        ("terms", TERMS + 1, True, "api"),
    ]


def test_api_key_cannot_give_consent(registered_client: ApiClient, database: Database) -> None:
    created = registered_client.post(
        "/api/me/api-keys", {"name": "a", "scopes": ["own:account:read"]}
    )
    registered_client.token = registered_client.ok(201, created)["key"]
    with database_unchanged(database):
        assert_problem(decide(registered_client, "terms", given=True), 403, "permission_denied")
        assert_problem(registered_client.get(CONSENTS), 403, "permission_denied")


@pytest.mark.parametrize("statement", ["UPDATE consents SET given = true", "DELETE FROM consents"])
@pytest.mark.parametrize("role", ["application", "owner"])
def test_recorded_consents_cannot_be_changed(
    open_app: Flask, registered_client: ApiClient, database: Database, statement: str, role: str
) -> None:
    decide(registered_client, "marketing", given=True)
    settings = open_app.extensions["settings"]
    urls = {"application": settings.database_url, "owner": settings.database_owner_url}
    with (
        database_unchanged(database),
        psycopg.connect(urls[role].replace("+psycopg", "")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.name)
def test_consent_state_follows_the_latest_decision(policy: privacy_rules.Policy) -> None:
    def decision(version: int, given: bool) -> ConsentDecision:
        return ConsentDecision(
            policy.name, version, given, datetime(2026, 11, 22, tzinfo=UTC), ConsentChannel.API
        )

    now, later = policy.version, policy.version + 1
    newer = replace(policy, published=(*policy.published, date(2026, 12, 1)))
    before_decision = ConsentState.TO_BE_ACCEPTED if policy.required else ConsentState.NOT_GIVEN
    after_withdrawal = ConsentState.TO_BE_ACCEPTED if policy.required else ConsentState.WITHDRAWN
    assert privacy_rules.consent_state(policy, None) is before_decision
    assert privacy_rules.consent_state(policy, decision(now, True)) is ConsentState.ACCEPTED
    assert privacy_rules.consent_state(newer, decision(now, True)) is before_decision
    assert privacy_rules.consent_state(newer, decision(later, True)) is ConsentState.ACCEPTED
    assert privacy_rules.consent_state(policy, decision(now, False)) is after_withdrawal
