"""Plaid by its own client, against the sandbox; and whom its webhooks are believed from."""

import ast
import json
import time
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from app.config.providers import sandbox_secret
from app.integrations.http_calls import ProviderCaller
from app.integrations.plaid.adapter import PlaidIdentityProvider, UnconfiguredIdentityProvider
from app.integrations.plaid.client import PlaidAccount, PlaidClient
from app.integrations.plaid.webhook import PlaidWebhookVerifier
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.kyc.rules import IdType
from app.kyc.submission.applicant_details import PersonDetails, parse_person
from app.kyc.submission.ports import VerificationOutcome, VerificationRequest
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    WebhookSignatureInvalid,
    WebhookVerificationUnavailable,
)
from app.providers.ports import WebhookDelivery
from app.providers.service import CallLog
from sandbox.faults import FaultMode
from sandbox.plaid import sign
from tests.house.source import python
from tests.kyc.applicant import ADDRESS
from tests.provider_sandbox import Sandbox

CREATE = "identity_verification.create"
SAID = {
    "webhook_type": "IDENTITY_VERIFICATION",
    "webhook_code": "STATUS_UPDATED",
    "identity_verification_id": "idv_1",
    "environment": "sandbox",
}


def client(app: Flask, sandbox: Sandbox, **changes: Any) -> PlaidClient:
    database: Database = app.extensions["database"]
    account = {
        "base_url": f"{sandbox.url}/plaid",
        "client_id": "pbcex",
        "secret": sandbox_secret("plaid"),
        "template_id": "idvtmp_pbcex",
        "environment": "sandbox",
        "timeout_seconds": 2,
        **changes,
    }
    return PlaidClient(PlaidAccount(**account), ProviderCaller("plaid", CallLog(database)))


def someone(last_name: str = "Lovelace", **more: Any) -> PersonDetails:
    address = {"zip_code" if name == "zipCode" else name: text for name, text in ADDRESS.items()}
    told = {"first_name": "Ada", "last_name": last_name, "date_of_birth": "1985-04-12"}
    return parse_person({**told, "address": address, **more}, clock.now().date())


def asked(person: PersonDetails | None = None) -> VerificationRequest:
    return VerificationRequest(ids.new(), "ada@example.com", "+12025550123", person or someone())


@pytest.fixture
def provider(app: Flask, sandbox: Sandbox) -> PlaidIdentityProvider:
    return PlaidIdentityProvider(client(app, sandbox))


def test_it_is_told_everything_it_can_check(
    provider: PlaidIdentityProvider, sandbox: Sandbox
) -> None:
    wanted = asked(someone(id_type="ssn", id_number="123-45-6789"))
    begun = provider.create(wanted)
    assert (begun.outcome, begun.verification_id) == (
        VerificationOutcome.ACTIVE,
        wanted.verification_id,
    )
    known = sandbox.store.get("plaid", "verification", begun.reference)
    assert known is not None
    assert known["user"] == {
        "phone_number": "+12025550123",
        "date_of_birth": "1985-04-12",
        "ip_address": None,
        "email_address": "ada@example.com",
        "name": {"given_name": "Ada", "family_name": "Lovelace"},
        "address": {
            "street": "1600 Amphitheatre Pkwy",
            "city": "Mountain View",
            "region": "CA",
            "postal_code": "94043",
            "country": "US",
        },
        "id_number": {"type": "us_ssn", "value": "123456789"},
    }
    again = provider.create(wanted)
    assert (again.reference, again.outcome) == (begun.reference, VerificationOutcome.SUCCESS)
    assert provider.get(begun.reference) == again


def test_numbers_it_does_not_check_stay_here(
    provider: PlaidIdentityProvider, sandbox: Sandbox
) -> None:
    begun = provider.create(asked(someone(id_type=IdType.PASSPORT, id_number="P1234567")))
    known = sandbox.store.get("plaid", "verification", begun.reference)
    assert known is not None
    assert known["user"]["id_number"] is None


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        (FaultMode.DOWN, ProviderOutcomeUnknown),
        (FaultMode.ERROR_AFTER, ProviderOutcomeUnknown),
        (FaultMode.GARBAGE, ProviderOutcomeUnknown),
        (FaultMode.HANG_UP_BEFORE, ProviderOutcomeUnknown),
        (FaultMode.REFUSED, ProviderRefused),
    ],
)
def test_what_went_wrong_is_said_in_our_words(
    provider: PlaidIdentityProvider, sandbox: Sandbox, mode: FaultMode, error: type[Exception]
) -> None:
    sandbox.schedule_fault("plaid", CREATE, mode, times=3)
    with pytest.raises(error):
        provider.create(asked())


def test_it_takes_too_long(app: Flask, sandbox: Sandbox) -> None:
    sandbox.schedule_fault("plaid", CREATE, FaultMode.TIMEOUT_AFTER, times=3, seconds=1.5)
    slow = PlaidIdentityProvider(client(app, sandbox, timeout_seconds=1))
    with pytest.raises(ProviderOutcomeUnknown):
        slow.create(asked())


@pytest.mark.parametrize("changes", [{"secret": "wrong"}, {"base_url": "http://127.0.0.1:1/plaid"}])
def test_who_is_not_connected_did_nothing(
    app: Flask, sandbox: Sandbox, changes: dict[str, Any]
) -> None:
    with pytest.raises(ProviderUnavailable):
        PlaidIdentityProvider(client(app, sandbox, **changes)).create(asked())


def test_nobody_to_ask() -> None:
    with pytest.raises(ProviderUnavailable):
        UnconfiguredIdentityProvider().create(asked())
    with pytest.raises(ProviderUnavailable):
        UnconfiguredIdentityProvider().get("x")


def test_the_large_client_is_not_loaded_before_it_is_needed() -> None:
    at_the_top = [
        f"{source.name}:{node.lineno}"
        for source in python("app/")
        for node in source.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and "plaid." in f"{ast.unparse(node)}."
        if not ast.unparse(node).startswith("from app.")
    ]
    assert at_the_top == []


class TestWebhooks:
    @pytest.fixture
    def webhooks(self, app: Flask, sandbox: Sandbox) -> PlaidWebhookVerifier:
        return PlaidWebhookVerifier(client(app, sandbox))

    def delivery(self, body: bytes, headers: dict[str, str] | None = None) -> WebhookDelivery:
        signed = sign("", body, at=time.time(), forged=False) if headers is None else headers
        lowered = {name.lower(): value for name, value in signed.items()}
        return WebhookDelivery("http://localhost/webhooks/plaid", lowered, body)

    def test_a_genuine_one_names_what_changed(self, webhooks: PlaidWebhookVerifier) -> None:
        [event] = webhooks.verify(self.delivery(json.dumps(SAID).encode()))
        assert (event.subject, event.task) == ("idv_1", "kyc.read_webhook")
        assert event.kind == "identity_verification.status_updated"

    @pytest.mark.parametrize(
        "changes",
        [
            {"environment": "production"},
            {"webhook_type": "TRANSACTIONS"},
            {"identity_verification_id": None},
        ],
    )
    def test_others_concern_nobody(
        self, webhooks: PlaidWebhookVerifier, changes: dict[str, Any]
    ) -> None:
        assert webhooks.verify(self.delivery(json.dumps({**SAID, **changes}).encode())) == []

    @pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"\xff"])
    def test_a_signed_body_that_is_none_of_theirs(
        self, webhooks: PlaidWebhookVerifier, body: bytes
    ) -> None:
        with pytest.raises(MalformedRequest):
            webhooks.verify(self.delivery(body))

    def forgeries(self) -> list[tuple[bytes, dict[str, str]]]:
        body = json.dumps(SAID).encode()
        now, key = int(time.time()), ECKey.generate_key("P-256")
        shared = OctKey.import_key(b"x" * 32)

        def token(claims: dict[str, Any], *, kid: str = "sandbox-1", alg: str = "ES256") -> str:
            header = {"alg": alg, "kid": kid}
            signer: Any = shared if alg == "HS256" else key
            return jwt.encode(header, claims, signer, algorithms=[alg])

        told = {"iat": now, "request_body_sha256": sha256(body).hexdigest()}
        genuine = sign("", body, at=time.time(), forged=False)["Plaid-Verification"]
        head, _, rest = genuine.partition(".")
        return [
            (body, {}),
            (body, {"Plaid-Verification": "nonsense"}),
            (body, {"Plaid-Verification": token(told)}),
            (body, {"Plaid-Verification": token(told, alg="HS256")}),
            (body, {"Plaid-Verification": token(told, kid="unknown")}),
            (body, {"Plaid-Verification": token(told, kid="../x")}),
            (body, {"Plaid-Verification": f"eyJhbGciOiJub25lIn0.{rest}"}),
            (body, {"Plaid-Verification": f"{head}.{rest[:-6]}AAAAAA"}),
            (body + b" ", {"Plaid-Verification": genuine}),
            (body, sign("", body, at=time.time() - 301, forged=False)),
            (body, sign("", body, at=time.time() + 120, forged=False)),
        ]

    def test_forged_ones_are_refused(self, webhooks: PlaidWebhookVerifier) -> None:
        for body, headers in self.forgeries():
            with pytest.raises(WebhookSignatureInvalid):
                webhooks.verify(self.delivery(body, headers))

    def test_an_unknown_key_is_asked_about_once_a_minute(
        self, webhooks: PlaidWebhookVerifier, sandbox: Sandbox
    ) -> None:
        body, headers = self.forgeries()[4]
        for _ in range(2):
            with pytest.raises(WebhookSignatureInvalid):
                webhooks.verify(self.delivery(body, headers))
            # It would be unavailable, if it were asked.
            sandbox.schedule_fault("plaid", "webhook_verification_key.get", FaultMode.DOWN, times=3)

    def test_without_its_key_nobody_can_tell(
        self, webhooks: PlaidWebhookVerifier, sandbox: Sandbox
    ) -> None:
        sandbox.schedule_fault("plaid", "webhook_verification_key.get", FaultMode.DOWN, times=3)
        with pytest.raises(WebhookVerificationUnavailable):
            webhooks.verify(self.delivery(json.dumps(SAID).encode()))
        assert webhooks.verify(self.delivery(json.dumps(SAID).encode()))
