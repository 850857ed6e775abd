"""Plaid through its own client library against the sandbox, and the verification of its
webhooks."""

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
from app.integrations.webhook_lookups import WebhookLookups
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import MalformedRequest
from app.kyc.rules import IdType
from app.kyc.submission.applicant_details import PersonDetails, parse_person
from app.kyc.submission.ports import VerificationChanged, VerificationOutcome, VerificationRequest
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
from sandbox.providers.plaid import sign
from tests.house.source import python
from tests.kyc.applicant import ADDRESS
from tests.provider_sandbox import Sandbox

CREATE = "identity_verification.create"
PAYLOAD = {
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


def person_details(last_name: str = "Lovelace", **changes: Any) -> PersonDetails:
    address = {"zip_code" if name == "zipCode" else name: text for name, text in ADDRESS.items()}
    fields = {"first_name": "Ada", "last_name": last_name, "date_of_birth": "1985-04-12"}
    return parse_person({**fields, "address": address, **changes}, clock.now().date())


def verification_request(person: PersonDetails | None = None) -> VerificationRequest:
    return VerificationRequest(
        ids.new(), "ada@example.com", "+12025550123", person or person_details()
    )


@pytest.fixture
def provider(app: Flask, sandbox: Sandbox) -> PlaidIdentityProvider:
    return PlaidIdentityProvider(client(app, sandbox))


def test_request_contains_every_field_that_plaid_checks(
    provider: PlaidIdentityProvider, sandbox: Sandbox
) -> None:
    request = verification_request(person_details(id_type="ssn", id_number="123-45-6789"))
    verification = provider.create(request)
    assert (verification.outcome, verification.verification_id) == (
        VerificationOutcome.ACTIVE,
        request.verification_id,
    )
    stored = sandbox.store.get("plaid", "verification", verification.reference)
    assert stored is not None
    assert stored["user"] == {
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
    repeated = provider.create(request)
    assert (repeated.reference, repeated.outcome) == (
        verification.reference,
        VerificationOutcome.SUCCESS,
    )
    assert provider.get(verification.reference) == repeated


def test_unchecked_id_number_is_not_sent(provider: PlaidIdentityProvider, sandbox: Sandbox) -> None:
    verification = provider.create(
        verification_request(person_details(id_type=IdType.PASSPORT, id_number="P1234567"))
    )
    stored = sandbox.store.get("plaid", "verification", verification.reference)
    assert stored is not None
    assert stored["user"]["id_number"] is None


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
def test_fault_raises_our_error(
    provider: PlaidIdentityProvider, sandbox: Sandbox, mode: FaultMode, error: type[Exception]
) -> None:
    sandbox.schedule_fault("plaid", CREATE, mode, times=3)
    with pytest.raises(error):
        provider.create(verification_request())


def test_no_response_in_time_has_unknown_outcome(app: Flask, sandbox: Sandbox) -> None:
    sandbox.schedule_fault("plaid", CREATE, FaultMode.TIMEOUT_AFTER, times=3, seconds=1.5)
    slow = PlaidIdentityProvider(client(app, sandbox, timeout_seconds=1))
    with pytest.raises(ProviderOutcomeUnknown):
        slow.create(verification_request())


@pytest.mark.parametrize("changes", [{"secret": "wrong"}, {"base_url": "http://127.0.0.1:1/plaid"}])
def test_wrong_secret_or_unreachable_plaid_is_unavailable(
    app: Flask, sandbox: Sandbox, changes: dict[str, Any]
) -> None:
    with pytest.raises(ProviderUnavailable):
        PlaidIdentityProvider(client(app, sandbox, **changes)).create(verification_request())


def test_unconfigured_provider_is_unavailable() -> None:
    with pytest.raises(ProviderUnavailable):
        UnconfiguredIdentityProvider().create(verification_request())
    with pytest.raises(ProviderUnavailable):
        UnconfiguredIdentityProvider().get("x")


def test_client_library_is_not_imported_at_module_level() -> None:
    imports = [
        f"{source.name}:{node.lineno}"
        for source in python("app/")
        for node in source.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and "plaid." in f"{ast.unparse(node)}."
        if not ast.unparse(node).startswith("from app.")
    ]
    assert imports == []


class TestWebhooks:
    @pytest.fixture
    def verifier(self, app: Flask, sandbox: Sandbox) -> PlaidWebhookVerifier:
        lookups = WebhookLookups("plaid", app.extensions["database"])
        return PlaidWebhookVerifier(client(app, sandbox), lookups)

    def delivery(self, body: bytes, headers: dict[str, str] | None = None) -> WebhookDelivery:
        signed = sign("", body, at=time.time(), forged=False) if headers is None else headers
        lowered = {name.lower(): value for name, value in signed.items()}
        return WebhookDelivery("http://localhost/webhooks/plaid", lowered, body)

    def test_genuine_webhook_becomes_event(self, verifier: PlaidWebhookVerifier) -> None:
        [event] = verifier.verify(self.delivery(json.dumps(PAYLOAD).encode()))
        assert (event.subject, event.fact) == ("idv_1", VerificationChanged)
        assert event.kind == "identity_verification.status_updated"

    @pytest.mark.parametrize(
        "changes",
        [
            {"environment": "production"},
            {"webhook_type": "TRANSACTIONS"},
            {"identity_verification_id": None},
        ],
    )
    def test_webhook_not_about_our_verifications_is_ignored(
        self, verifier: PlaidWebhookVerifier, changes: dict[str, Any]
    ) -> None:
        assert verifier.verify(self.delivery(json.dumps({**PAYLOAD, **changes}).encode())) == []

    @pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"\xff"])
    def test_signed_body_that_is_not_json_object_is_malformed(
        self, verifier: PlaidWebhookVerifier, body: bytes
    ) -> None:
        with pytest.raises(MalformedRequest):
            verifier.verify(self.delivery(body))

    def forgeries(self) -> list[tuple[bytes, dict[str, str]]]:
        body = json.dumps(PAYLOAD).encode()
        now, key = int(time.time()), ECKey.generate_key("P-256")
        shared = OctKey.import_key(b"x" * 32)

        def token(claims: dict[str, Any], *, kid: str = "sandbox-1", alg: str = "ES256") -> str:
            header = {"alg": alg, "kid": kid}
            signer: Any = shared if alg == "HS256" else key
            return jwt.encode(header, claims, signer, algorithms=[alg])

        claims = {"iat": now, "request_body_sha256": sha256(body).hexdigest()}
        genuine = sign("", body, at=time.time(), forged=False)["Plaid-Verification"]
        head, _, rest = genuine.partition(".")
        return [
            (body, {}),
            (body, {"Plaid-Verification": "nonsense"}),
            (body, {"Plaid-Verification": token(claims)}),
            (body, {"Plaid-Verification": token(claims, alg="HS256")}),
            (body, {"Plaid-Verification": token(claims, kid="unknown")}),
            (body, {"Plaid-Verification": token(claims, kid="../x")}),
            (body, {"Plaid-Verification": f"eyJhbGciOiJub25lIn0.{rest}"}),
            (body, {"Plaid-Verification": f"{head}.{rest[:-6]}AAAAAA"}),
            (body + b" ", {"Plaid-Verification": genuine}),
            (body, sign("", body, at=time.time() - 301, forged=False)),
            (body, sign("", body, at=time.time() + 120, forged=False)),
        ]

    def test_forged_webhook_is_refused(self, verifier: PlaidWebhookVerifier) -> None:
        for body, headers in self.forgeries():
            with pytest.raises(WebhookSignatureInvalid):
                verifier.verify(self.delivery(body, headers))

    def test_unknown_key_is_requested_once_a_minute(
        self, verifier: PlaidWebhookVerifier, sandbox: Sandbox
    ) -> None:
        body, headers = self.forgeries()[4]
        for _ in range(2):
            with pytest.raises(WebhookSignatureInvalid):
                verifier.verify(self.delivery(body, headers))
            # A second request would raise `WebhookVerificationUnavailable`.
            sandbox.schedule_fault("plaid", "webhook_verification_key.get", FaultMode.DOWN, times=3)

    def test_webhook_cannot_be_verified_while_its_key_is_unavailable(
        self, verifier: PlaidWebhookVerifier, sandbox: Sandbox
    ) -> None:
        sandbox.schedule_fault("plaid", "webhook_verification_key.get", FaultMode.DOWN, times=3)
        with pytest.raises(WebhookVerificationUnavailable):
            verifier.verify(self.delivery(json.dumps(PAYLOAD).encode()))
        assert verifier.verify(self.delivery(json.dumps(PAYLOAD).encode()))
