"""Exchanges about the profile, verification and personal data."""

from io import BytesIO
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from app.access.consents import POLICIES, PolicyName
from app.identity.accounts import address_book
from app.identity.accounts.phone_verification import PhoneRules
from app.identity.api_keys import service as api_keys
from app.kyc.evidence import documents
from tests.api_client import PASSWORD, assert_problem
from tests.api_document.examples import RecordingClient
from tests.api_document.play import Play
from tests.fixed_settings import fixed_settings
from tests.kyc.applicant import make_picture
from tests.mailbox import run_pending_jobs

_ADDRESS = {
    "street": "1 Main Street",
    "city": "Reno",
    "state": "NV",
    "zipCode": "89501",
    "country": "US",
}
_IDENTITY = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "dateOfBirth": "1985-12-10",
    "address": _ADDRESS,
    "idType": "ssn",
    "idNumber": "123-45-6789",
}
_OWNER = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "dateOfBirth": "1985-12-10",
    "country": "US",
    "ownershipPercent": "60.00",
    "controls": True,
}
_COMPANY = {
    "legalName": "Analytical Engines LLC",
    "registrationNumber": "E1234567",
    "entityType": "LLC",
    "incorporatedOn": "2015-03-01",
    "taxId": "12-3456789",
    "address": _ADDRESS,
    "beneficialOwners": [_OWNER],
}
_KEY = {"name": "Rebalancing at home", "scopes": ["own:balances:read", "own:orders:place"]}


def keep_profile(play: Play, ada: RecordingClient, patch: pytest.MonkeyPatch) -> None:
    """Change Ada's profile, addresses, notifications and keys."""
    ada.ok(200, ada.send("PATCH", "/api/me", json={"phone": None}))
    choices = [{"topic": "deposits", "channel": "sms", "wanted": True}]
    notifications = "/api/me/notifications"
    without_phone = ada.send("PUT", notifications, json={"choices": choices})
    assert_problem(without_phone, 409, "phone_needed")
    verification = "/api/me/phone/verification"
    assert_problem(ada.post(verification), 409, "phone_needed")
    ada.ok(200, ada.send("PATCH", "/api/me", json={"phone": "+12025550123"}))
    unverified = ada.send("PUT", notifications, json={"choices": choices})
    assert_problem(unverified, 409, "phone_not_verified")
    ada.ok(202, ada.post(verification))
    confirm = f"{verification}/confirm"
    assert_problem(ada.post(confirm, {"code": "000"}), 409, "phone_code_invalid")
    ada.ok(200, ada.post(confirm, {"code": _read_code(play)}))
    assert_problem(ada.post(confirm, {"code": "123456"}), 409, "phone_verified")
    assert_problem(ada.post(verification), 409, "phone_verified")
    with fixed_settings(PhoneRules(codes_per_person_day=1)):
        kim = play.client("kim")
        kim.join(phone="+12025550124").credit()
        ada.ok(202, kim.plain().post(verification))
        assert_problem(kim.post(verification), 409, "limit_exceeded")
    ada.ok(200, ada.send("PUT", notifications, json={"choices": choices}))
    ada.ok(200, ada.get(notifications))
    ada.ok(200, ada.get("/api/me"))

    addresses = "/api/me/addresses"
    home = ada.ok(201, ada.post(addresses, {**_ADDRESS, "label": "Home"}))
    changed = ada.send("PATCH", f"{addresses}/{home['id']}", json={"street2": "Suite 5"})
    ada.ok(200, changed)
    ada.ok(200, ada.get(f"{addresses}/{home['id']}"))
    ada.ok(200, ada.get(addresses))
    with patch.context() as full:
        full.setattr(address_book, "ADDRESSES_MAX", 1)
        assert_problem(ada.post(addresses, _ADDRESS), 409, "address_book_full")
    assert ada.send("DELETE", f"{addresses}/{home['id']}").status_code == 204
    assert_problem(ada.get(f"{addresses}/{home['id']}"), 404, "not_found")

    keys = "/api/me/api-keys"
    key = ada.ok(201, ada.post(keys, _KEY))
    with patch.context() as full:
        full.setattr(api_keys, "KEYS_MAX", 1)
        assert_problem(ada.post(keys, _KEY), 409, "api_keys_full")
    ada.ok(200, ada.get(keys))
    assert ada.send("DELETE", f"{keys}/{key['id']}").status_code == 204
    ada.plain().sign_in()
    sessions = "/api/me/sessions"
    [other] = [
        each["id"] for each in ada.ok(200, ada.get(sessions))["data"] if not each["isCurrent"]
    ]
    assert ada.send("DELETE", f"{sessions}/{other}").status_code == 204
    assert ada.send("DELETE", sessions).status_code == 204


def _read_code(play: Play) -> str:
    """Return the code of the text message that the carrier of the sandbox has."""
    run_pending_jobs(play.database, "messages.send_text")
    [text] = play.world.sandbox.store.find("twilio", "messages", to="+12025550123")
    _, code, *_ = text["body"].split()
    return str(code)


def verify(play: Play, ada: RecordingClient, patch: pytest.MonkeyPatch) -> None:
    """Verify Ada as a person and as a company."""
    submit, business = "/api/kyc/submit", "/api/kyc/kyb/submit"
    ada.ok(201, ada.post(submit, _IDENTITY))
    assert_problem(ada.post(submit, _IDENTITY), 409, "verification_open")
    play.world.run_jobs_and_webhooks()
    ada.ok(201, ada.post(business, _COMPANY))
    assert_problem(ada.post(business, _COMPANY), 409, "verification_open")
    ada.ok(201, _send_document(ada))
    ada.ok(200, _send_document(ada))
    run_pending_jobs(play.database, "kyc.check_document")
    ada.ok(200, _send_document(ada))
    with patch.context() as full:
        full.setattr(documents, "COUNT_MAX", 1)
        assert_problem(_send_document(ada, shade=99), 409, "documents_full")
    ada.ok(200, ada.get("/api/kyc/status"))


def _send_document(ada: RecordingClient, shade: int = 120) -> TestResponse:
    file = FileStorage(BytesIO(make_picture(shade=shade)), "scan.jpg", content_type="image/jpeg")
    return ada.send("POST", "/api/kyc/documents", data={"type": "address", "file": file})


def decide_on_data(play: Play, ada: RecordingClient) -> None:
    """Decide about policies, and export Ada's data."""
    consents = "/api/me/consents"
    decision: dict[str, Any] = {"policy": "terms", "given": True, "version": 1}
    assert_problem(ada.post(consents, decision), 409, "policy_outdated")
    withdrawal = {"policy": "terms", "given": False}
    assert_problem(ada.post(consents, withdrawal), 409, "consent_required")
    ada.ok(200, ada.post(consents, {**decision, "version": POLICIES[PolicyName.TERMS].version}))
    ada.ok(200, ada.get(consents))
    export = ada.ok(202, ada.post("/api/me/export"))
    run_pending_jobs(play.database, "privacy.build_archive")
    ready = ada.ok(200, ada.get(f"/api/me/export/{export['id']}"))
    path, _, token = str(ready["archiveUrl"]).partition("?token=")
    assert ada.get(path, token=token).status_code == 200
    assert_problem(ada.get(path, token="altered"), 404, "not_found")


def erase_account(ada: RecordingClient) -> None:
    """Refuse to erase Ada's account while money is on it, and erase Eve's."""
    erasure = "/api/me/erasure"
    assert_problem(ada.post(erasure, {"password": PASSWORD}), 409, "erasure_refused")
    wrong = {"password": "not the password"}
    assert_problem(ada.post(erasure, wrong), 401, "invalid_credentials")
    eve = RecordingClient(ada.app, ada.recorder, "eve")
    eve.join()
    eve.ok(200, eve.post(erasure, {"password": PASSWORD}))
