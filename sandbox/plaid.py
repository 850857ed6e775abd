"""Plaid's Identity Verification, as its API of 2020-09-14 answers.

What comes of a verification is steered by the family name, as Plaid's own sandbox is by a person:

- a name that begins with `Failed`, `Review`, `Expired` or `Canceled` ends so;
- one that begins with `Waiting` stays active until it is ended by the control;
- every other one succeeds.

It ends at once, after it was answered as active, and a webhook says that something changed. The
control `/plaid/_control/verifications/{id}` {"status": …} ends or changes one by hand.
"""

import json
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from flask import Response, request
from joserfc import jwt
from joserfc.jwk import ECKey

from sandbox.faults import FaultMode
from sandbox.provider import SandboxProvider, has_fault, store, webhook_queue

_NAME = "plaid"
_VERIFICATION = "verification"
_KEY_ID = "sandbox-1"
_SECRET = sha256(b"pbcex sandbox plaid").hexdigest()
# Everybody may know it: it signs play webhooks only.
_SIGNING = ECKey.import_key(
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "eClUXDaWV_gcvluodH6hGRxlGRiojKTTdXYlGQ6jXPs",
        "y": "mbjhbc0XETqtVploX6IsvTyME0hNO11BcCbePcv-e38",
        "d": "mfc18sP__Nd3RWP09S-Wz_wrCH3aB3zh555G4gDvxRg",
    }
)
_ENDS = {
    "failed": "failed",
    "review": "pending_review",
    "expired": "expired",
    "canceled": "canceled",
    "waiting": "active",
}
_STATUSES = {"active", "success", "failed", "expired", "canceled", "pending_review"}
_STEPS = {
    "accept_tos": "success",
    "verify_sms": "not_applicable",
    "kyc_check": "active",
    "documentary_verification": "not_applicable",
    "selfie_check": "not_applicable",
    "watchlist_screening": "not_applicable",
    "risk_check": "not_applicable",
}


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:  # noqa: ARG001 - others sign the address
    """Plaid's header: a token, signed with ES256, with the body's hash and the second."""
    key = ECKey.generate_key("P-256") if forged else _SIGNING
    claims = {"iat": int(at), "request_body_sha256": sha256(body).hexdigest()}
    header = {"alg": "ES256", "kid": _KEY_ID, "typ": "JWT"}
    return {"Plaid-Verification": jwt.encode(header, claims, key, algorithms=["ES256"])}


provider = SandboxProvider(_NAME, "Plaid Identity Verification", sign=sign)


@provider.operation("POST", "/identity_verification/create", "identity_verification.create")
def create_verification() -> Response:
    """Begin one; with `is_idempotent`, the same client_user_id and template answer the same."""
    asked = _asked()
    if refused := _refused(asked):
        return refused
    for name in ("template_id", "is_shareable", "gave_consent", "client_user_id"):
        if name not in asked:
            return _error(400, "INVALID_REQUEST", "MISSING_FIELDS", f"{name} is required")
    if has_fault(FaultMode.REFUSED):
        return _error(400, "IDENTITY_VERIFICATION_ERROR", "INVALID_FIELD", "user is not valid")
    known = store().find(_NAME, _VERIFICATION, client_user_id=asked["client_user_id"])
    known = [each for each in known if each["template"]["id"] == asked["template_id"]]
    if known and asked.get("is_idempotent"):
        return _answer(known[-1])
    made = _made(asked)
    store().put(_NAME, _VERIFICATION, made["id"], made)
    answer = _answer(made)
    end = _end_of(made)
    if end != "active":
        _change(made, end)
    return answer


@provider.operation("POST", "/identity_verification/get", "identity_verification.get")
def get_verification() -> Response:
    """How one stands."""
    asked = _asked()
    if refused := _refused(asked):
        return refused
    found = store().get(_NAME, _VERIFICATION, str(asked.get("identity_verification_id")))
    if found is None:
        return _error(400, "IDENTITY_VERIFICATION_ERROR", "IDENTITY_VERIFICATION_NOT_FOUND", "no")
    return _answer(found)


@provider.operation("POST", "/webhook_verification_key/get", "webhook_verification_key.get")
def get_webhook_key() -> Response:
    """The public half of the key that signs."""
    asked = _asked()
    if refused := _refused(asked):
        return refused
    if asked.get("key_id") != _KEY_ID:
        return _error(400, "INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID", "unknown key")
    public = _SIGNING.as_dict(private=False)
    key = {name: public[name] for name in ("kty", "crv", "x", "y")}
    key |= {"alg": "ES256", "use": "sig", "kid": _KEY_ID}
    return _answer({"key": {**key, "created_at": 1_560_466_150, "expired_at": None}})


@provider.control("GET", "/verifications")
def list_verifications() -> Response:
    """All of them, newest first."""
    return _json(store().find(_NAME, _VERIFICATION)[::-1])


@provider.control("POST", "/verifications/<identifier>")
def change_status(identifier: str) -> Response:
    """Give one another status: {"status": …, "quietly"?: true for no webhook}."""
    found = store().get(_NAME, _VERIFICATION, identifier)
    told = request.get_json()
    if found is None or told.get("status") not in _STATUSES:
        return Response(status=404 if found is None else 400)
    _change(found, told["status"], quietly=bool(told.get("quietly")))
    return _json(found)


def _made(asked: dict[str, Any]) -> dict[str, Any]:
    identifier = f"idv_{secrets.token_urlsafe(10)}"
    user = asked.get("user", {})
    return {
        "id": identifier,
        "client_user_id": asked["client_user_id"],
        "created_at": _now(),
        "completed_at": None,
        "previous_attempt_id": None,
        "shareable_url": f"https://verify.plaid.com/verify/{identifier}",
        "template": {"id": asked["template_id"], "version": 1},
        "user": {
            "phone_number": user.get("phone_number"),
            "date_of_birth": user.get("date_of_birth"),
            "ip_address": None,
            "email_address": user.get("email_address"),
            "name": user.get("name"),
            "address": user.get("address"),
            "id_number": user.get("id_number"),
        },
        "status": "active",
        "steps": _STEPS,
        "documentary_verification": None,
        "selfie_check": None,
        "kyc_check": None,
        "risk_check": None,
        "verify_sms": None,
        "watchlist_screening_id": None,
        "beacon_user_id": None,
        "user_id": None,
        "redacted_at": None,
    }


def _end_of(made: dict[str, Any]) -> str:
    name = str((made["user"]["name"] or {}).get("family_name", "")).casefold()
    return next((end for begin, end in _ENDS.items() if name.startswith(begin)), "success")


def _change(found: dict[str, Any], status: str, *, quietly: bool = False) -> None:
    ended = None if status == "active" else _now()
    found |= {"status": status, "completed_at": ended}
    found["steps"] = {**found["steps"], "kyc_check": status}
    store().put(_NAME, _VERIFICATION, found["id"], found)
    if quietly:
        return
    told = {
        "webhook_type": "IDENTITY_VERIFICATION",
        "webhook_code": "STATUS_UPDATED",
        "identity_verification_id": found["id"],
        "environment": "sandbox",
    }
    webhook_queue().send(_NAME, json.dumps(told))


def _asked() -> dict[str, Any]:
    asked = request.get_json(silent=True)
    return asked if isinstance(asked, dict) else {}


def _refused(asked: dict[str, Any]) -> Response | None:
    """Keys stand in the body or in headers."""
    secret = asked.get("secret") or request.headers.get("PLAID-SECRET")
    known = asked.get("client_id") or request.headers.get("PLAID-CLIENT-ID")
    if not known or secret != _SECRET:
        return _error(400, "INVALID_INPUT", "INVALID_API_KEYS", "invalid client_id or secret")
    return None


def _error(status: int, kind: str, code: str, message: str) -> Response:
    told = {
        "error_type": kind,
        "error_code": code,
        "error_message": message,
        "display_message": None,
        "request_id": secrets.token_hex(8),
    }
    return _json(told, status)


def _answer(document: dict[str, Any]) -> Response:
    return _json({**document, "request_id": secrets.token_hex(8)})


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
