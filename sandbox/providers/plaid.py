"""Plaid's Identity Verification, as its API of 2020-09-14 responds.

The result of a verification depends on the family name, as in Plaid's own sandbox on the person:

- a name that begins with `Failed`, `Review`, `Expired` or `Canceled` ends so;
- one that begins with `Waiting` stays active until a control ends it;
- every other one succeeds.

It ends at once, after the response with status active, and a webhook says that something changed.
The control `/plaid/_control/verifications/{id}` {"status": …} ends or changes one by hand.
"""

import json
import secrets
from hashlib import sha256
from typing import Any

from flask import Response, request
from joserfc import jwt
from joserfc.jwk import ECKey

from sandbox import clock
from sandbox.faults import FaultMode
from sandbox.provider import SandboxProvider, has_fault, store, webhook_queue

_NAME = "plaid"
_VERIFICATION, _NEXT = "verification", "next"
_KEY_ID = "sandbox-1"
_SECRET = sha256(b"pbcex sandbox plaid").hexdigest()
# Public: it signs the sandbox's webhooks only.
_SIGNING = ECKey.import_key(
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "eClUXDaWV_gcvluodH6hGRxlGRiojKTTdXYlGQ6jXPs",
        "y": "mbjhbc0XETqtVploX6IsvTyME0hNO11BcCbePcv-e38",
        "d": "mfc18sP__Nd3RWP09S-Wz_wrCH3aB3zh555G4gDvxRg",
    }
)
_FINAL_STATUSES = {
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


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:  # noqa: ARG001 - other signers use the URL
    """Return Plaid's header: a token, signed with ES256, with the body's hash and the time."""
    key = ECKey.generate_key("P-256") if forged else _SIGNING
    claims = {"iat": int(at), "request_body_sha256": sha256(body).hexdigest()}
    header = {"alg": "ES256", "kid": _KEY_ID, "typ": "JWT"}
    return {"Plaid-Verification": jwt.encode(header, claims, key, algorithms=["ES256"])}


provider = SandboxProvider(_NAME, "Plaid Identity Verification", sign=sign)


@provider.operation("POST", "/identity_verification/create", "identity_verification.create")
def create_verification() -> Response:
    """Begin a verification; with `is_idempotent`, return the one begun with the same ID and
    template."""
    payload = _payload()
    if error := _authentication_error(payload):
        return error
    for name in ("template_id", "is_shareable", "gave_consent", "client_user_id"):
        if name not in payload:
            return _error(400, "INVALID_REQUEST", "MISSING_FIELDS", f"{name} is required")
    if has_fault(FaultMode.REFUSED):
        return _error(400, "IDENTITY_VERIFICATION_ERROR", "INVALID_FIELD", "user is not valid")
    existing = store().find(_NAME, _VERIFICATION, client_user_id=payload["client_user_id"])
    existing = [
        verification
        for verification in existing
        if verification["template"]["id"] == payload["template_id"]
    ]
    if existing and payload.get("is_idempotent"):
        return _response(existing[-1])
    created = _new_verification(payload)
    store().put(_NAME, _VERIFICATION, created["id"], created)
    response = _response(created)
    final_status = _final_status(created)
    if final_status != "active":
        _change(created, final_status)
    return response


@provider.operation("POST", "/identity_verification/get", "identity_verification.get")
def get_verification() -> Response:
    """Return a verification."""
    payload = _payload()
    if error := _authentication_error(payload):
        return error
    verification = store().get(_NAME, _VERIFICATION, str(payload.get("identity_verification_id")))
    if verification is None:
        return _error(400, "IDENTITY_VERIFICATION_ERROR", "IDENTITY_VERIFICATION_NOT_FOUND", "no")
    return _response(verification)


@provider.operation("POST", "/webhook_verification_key/get", "webhook_verification_key.get")
def get_webhook_key() -> Response:
    """Return the public half of the signing key."""
    payload = _payload()
    if error := _authentication_error(payload):
        return error
    if payload.get("key_id") != _KEY_ID:
        return _error(400, "INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID", "unknown key")
    public = _SIGNING.as_dict(private=False)
    key = {name: public[name] for name in ("kty", "crv", "x", "y")}
    key |= {"alg": "ES256", "use": "sig", "kid": _KEY_ID}
    return _response({"key": {**key, "created_at": 1_560_466_150, "expired_at": None}})


@provider.control("GET", "/verifications")
def list_verifications() -> Response:
    """List all verifications, newest first."""
    return _json(store().find(_NAME, _VERIFICATION)[::-1])


@provider.control("POST", "/verifications/<identifier>")
def change_status(identifier: str) -> Response:
    """Change a verification's status: {"status": …, "quietly"?: true for no webhook}."""
    verification = store().get(_NAME, _VERIFICATION, identifier)
    payload = request.get_json()
    if verification is None or payload.get("status") not in _STATUSES:
        return Response(status=404 if verification is None else 400)
    _change(verification, payload["status"], quietly=bool(payload.get("quietly")))
    return _json(verification)


@provider.control("POST", "/next")
def set_next_status() -> Response:
    """The next verification gets this status at once: {"status": "pending_review"}."""
    status = request.get_json()["status"]
    if status not in _STATUSES:
        return Response(status=400)
    return _json(store().put(_NAME, _NEXT, _NEXT, {"status": status}))


def _new_verification(payload: dict[str, Any]) -> dict[str, Any]:
    identifier = f"idv_{secrets.token_urlsafe(10)}"
    user = payload.get("user", {})
    return {
        "id": identifier,
        "client_user_id": payload["client_user_id"],
        "created_at": clock.text("seconds"),
        "completed_at": None,
        "previous_attempt_id": None,
        "shareable_url": f"https://verify.plaid.com/verify/{identifier}",
        "template": {"id": payload["template_id"], "version": 1},
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


def _final_status(verification: dict[str, Any]) -> str:
    """Return what was set for the next one, or what the last name says."""
    if chosen := store().get(_NAME, _NEXT, _NEXT):
        store().delete(_NAME, _NEXT, _NEXT)
        return str(chosen["status"])
    name = str((verification["user"]["name"] or {}).get("family_name", "")).casefold()
    return next(
        (end for begin, end in _FINAL_STATUSES.items() if name.startswith(begin)), "success"
    )


def _change(verification: dict[str, Any], status: str, *, quietly: bool = False) -> None:
    completed_at = None if status == "active" else clock.text("seconds")
    verification |= {"status": status, "completed_at": completed_at}
    verification["steps"] = {**verification["steps"], "kyc_check": status}
    store().put(_NAME, _VERIFICATION, verification["id"], verification)
    if quietly:
        return
    event = {
        "webhook_type": "IDENTITY_VERIFICATION",
        "webhook_code": "STATUS_UPDATED",
        "identity_verification_id": verification["id"],
        "environment": "sandbox",
    }
    webhook_queue().send(_NAME, json.dumps(event))


def _payload() -> dict[str, Any]:
    payload = request.get_json(silent=True)
    return payload if isinstance(payload, dict) else {}


def _authentication_error(payload: dict[str, Any]) -> Response | None:
    """Return an error unless the keys in the body or the headers are right."""
    secret = payload.get("secret") or request.headers.get("PLAID-SECRET")
    client_id = payload.get("client_id") or request.headers.get("PLAID-CLIENT-ID")
    if not client_id or secret != _SECRET:
        return _error(400, "INVALID_INPUT", "INVALID_API_KEYS", "invalid client_id or secret")
    return None


def _error(status: int, kind: str, code: str, message: str) -> Response:
    payload = {
        "error_type": kind,
        "error_code": code,
        "error_message": message,
        "display_message": None,
        "request_id": secrets.token_hex(8),
    }
    return _json(payload, status)


def _response(payload: dict[str, Any]) -> Response:
    return _json({**payload, "request_id": secrets.token_hex(8)})


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
