"""Stripe: payments by card, their disputes, and what becomes of them by control.

Why this is our own and not localstripe: docs/adr/0019-sandbox.md.
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotFound

from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key, timed_signature
from sandbox.provider import SandboxProvider, has_fault, store, webhook_queue
from sandbox.store import Document

NAME = "stripe"
SECRET_KEY = f"sk_test_{sandbox_key('stripe')}"
WEBHOOK_SECRET = f"whsec_{sandbox_key('stripe webhook')}"

#: Test cards and what their bank says: a decline's code, or `ask` for a question to the customer.
CARDS: Mapping[str, str] = {
    "pm_card_visa": "",
    "pm_card_mastercard": "",
    "pm_card_chargeDeclined": "generic_decline",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedLostCard": "lost_card",
    "pm_card_authenticationRequired": "ask",
    "pm_card_createDispute": "",
}
_DISPUTED = "pm_card_createDispute"
_TAKEN = frozenset(
    {"amount", "currency", "payment_method", "payment_method_types", "capture_method", "confirm"}
    | {"metadata", "expand"}
)
_CENTS_MIN, _CENTS_MAX = 50, 99_999_999
_FEE_PER_MILLE, _FEE_CENTS = 29, 30
_DISPUTE_FEE = 1500
_KEY_SECONDS = 24 * 3600
#: The search finds nothing that is younger.
_SEARCH_BEHIND_SECONDS = 60
_QUERY = re.compile(r"metadata\['(\w+)'\]:'([^']*)'")
_INTENTS, _DISPUTES, _KEYS = "payment_intent", "dispute", "idempotency_key"


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    """As Stripe signs: the body, wherever it goes."""
    del url
    key = "whsec_of_somebody_else" if forged else WEBHOOK_SECRET
    return {"Stripe-Signature": timed_signature(key, body, at=at)}


provider = SandboxProvider(NAME, "Stripe", sign=sign)


class _Refused(Exception):
    """Stripe's no: the status, and what stands under `error`."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        self.status = status
        self.error = {"type": kind, "message": message, **more}
        super().__init__(message)


Handler = Callable[..., Document]


def _operation(method: str, rule: str, name: str) -> Callable[[Handler], Handler]:
    """An operation that answers a document or raises `_Refused`, for who knows the key; a POST is
    carried out once for each idempotency key."""

    def declare(handler: Handler) -> Handler:
        def answer(**path: str) -> Response:
            try:
                _check_key()
                return _once(handler, path) if method == "POST" else _json(handler(**path))
            except _Refused as refused:
                return _json({"error": refused.error}, refused.status)

        provider.operation(method, rule, name)(answer)
        return handler

    return declare


def _check_key() -> None:
    if request.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
        raise _Refused(401, "invalid_request_error", "Invalid API Key provided")


def _once(handler: Handler, path: dict[str, str]) -> Response:
    key = request.headers.get("Idempotency-Key")
    if not key:
        return _json(handler(**path))
    asked = f"{request.path}?{sorted(request.form.items(multi=True))}"
    before = store().get(NAME, _KEYS, key)
    if before and before["at"] > time.time() - _KEY_SECONDS:
        if before["asked"] != asked:
            raise _Refused(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were"
                " first used with.",
            )
        return _json(before["document"], before["status"])
    try:
        document, status = handler(**path), 200
    except _Refused as refused:
        if refused.status != 402:  # noqa: PLR2004 - all others are refused before anything is done
            raise
        document, status = {"error": refused.error}, refused.status
    kept = {"asked": asked, "at": time.time(), "document": document, "status": status}
    store().put(NAME, _KEYS, key, kept)
    return _json(document, status)


@_operation("POST", "/v1/payment_intents", "payments.create")
def create_payment() -> Document:
    """Only what we use of it: confirmed at once, captured later."""
    given = request.form
    for name in given:
        if name.partition("[")[0] not in _TAKEN:
            raise _invalid(f"Received unknown parameter: {name}", "parameter_unknown", name)
    amount = given.get("amount", "")
    if not amount.isdecimal() or not _CENTS_MIN <= int(amount) <= _CENTS_MAX:
        raise _invalid("Amount must be at least $0.50 usd", "amount_too_small", "amount")
    if given.get("currency") != "usd" or given.get("capture_method") != "manual":
        raise _invalid("Only usd with manual capture is played here", "parameter_invalid", "")
    method = given.get("payment_method", "")
    says = "generic_decline" if has_fault(FaultMode.REFUSED) else CARDS.get(method)
    if says is None:
        raise _invalid(f"No such PaymentMethod: '{method}'", "resource_missing", "payment_method")
    identifier = f"pi_{secrets.token_hex(12)}"
    intent = {
        "id": identifier,
        "object": "payment_intent",
        "amount": int(amount),
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "manual",
        "client_secret": f"{identifier}_secret_{secrets.token_hex(12)}",
        "created": int(time.time()),
        "currency": "usd",
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {name[9:-1]: value for name, value in given.items() if name[:9] == "metadata["},
        "next_action": None,
        "payment_method": method,
        "payment_method_types": ["card"],
        "status": "requires_confirmation",
    }
    return _confirm(intent, says)


@_operation("GET", "/v1/payment_intents", "payments.list")
def list_payments() -> Document:
    """Newest first, in pages."""
    return _page(store().find(NAME, _INTENTS), "/v1/payment_intents")


@_operation("GET", "/v1/payment_intents/search", "payments.search")
def search_payments() -> Document:
    """By one field of the metadata; behind by a minute, as theirs may be."""
    asked = _QUERY.fullmatch(request.args.get("query", ""))
    if asked is None:
        raise _invalid("That query is not understood here", "parameter_invalid", "query")
    name, value = asked.groups()
    until = time.time() - _SEARCH_BEHIND_SECONDS
    found = [
        intent
        for intent in store().find(NAME, _INTENTS)
        if intent["metadata"].get(name) == value and intent["created"] <= until
    ]
    return {"object": "search_result", "data": found, "has_more": False, "next_page": None}


@_operation("GET", "/v1/payment_intents/<identifier>", "payments.get")
def get_payment(identifier: str) -> Document:
    """As it stands."""
    return _found(_INTENTS, identifier)


@_operation("POST", "/v1/payment_intents/<identifier>/capture", "payments.capture")
def capture_payment(identifier: str) -> Document:
    """All of it; less where that is ordered."""
    intent = _in(identifier, "requires_capture")
    if has_fault(FaultMode.REFUSED):
        raise _invalid("The hold on this card has expired", "charge_expired_for_capture", "")
    taken = intent["amount"] - (1 if has_fault(FaultMode.WRONG_AMOUNT) else 0)
    fee = (taken * _FEE_PER_MILLE + 500) // 1000 + _FEE_CENTS
    intent["latest_charge"].update(
        captured=True,
        amount_captured=taken,
        balance_transaction={
            "id": f"txn_{secrets.token_hex(12)}",
            "object": "balance_transaction",
            "amount": taken,
            "currency": "usd",
            "fee": fee,
            "net": taken - fee,
            "type": "charge",
        },
    )
    intent.update(status="succeeded", amount_capturable=0, amount_received=taken)
    _keep(intent, "payment_intent.succeeded")
    if intent["payment_method"] == _DISPUTED:
        _open_dispute(intent, taken, is_inquiry=False)
    return intent


@_operation("POST", "/v1/payment_intents/<identifier>/cancel", "payments.cancel")
def cancel_payment(identifier: str) -> Document:
    """Until it is captured."""
    intent = _in(
        identifier, "requires_payment_method", "requires_confirmation", "requires_action",
        "requires_capture",
    )  # fmt: skip
    intent.update(
        status="canceled", amount_capturable=0, canceled_at=int(time.time()), next_action=None
    )
    return _keep(intent, "payment_intent.canceled")


@_operation("GET", "/v1/disputes", "disputes.list")
def list_disputes() -> Document:
    """Newest first, in pages."""
    return _page(store().find(NAME, _DISPUTES), "/v1/disputes")


@_operation("GET", "/v1/disputes/<identifier>", "disputes.get")
def get_dispute(identifier: str) -> Document:
    """As it stands."""
    return _found(_DISPUTES, identifier)


@provider.control("POST", "/payments/<identifier>/authenticate")
def authenticate(identifier: str) -> Response:
    """The customer answers their bank's question: {"success": true or false}."""
    intent = store().get(NAME, _INTENTS, identifier)
    if intent is None or intent["status"] != "requires_action":
        raise NotFound
    intent["next_action"] = None
    if _asked()["success"]:
        return _json(_authorise(intent))
    failed = {
        "code": "payment_intent_authentication_failure",
        "type": "card_error",
        "message": "The provided PaymentMethod has failed authentication.",
    }
    intent.update(status="requires_payment_method", last_payment_error=failed)
    return _json(_keep(intent, "payment_intent.payment_failed"))


@provider.control("POST", "/disputes")
def open_dispute() -> Response:
    """A bank takes a payment back: {"payment", "amount"?: cents, "inquiry"?: true}. An inquiry
    takes nothing yet."""
    asked = _asked()
    intent = store().get(NAME, _INTENTS, str(asked["payment"]))
    if intent is None or intent["status"] != "succeeded":
        raise NotFound
    amount = int(asked.get("amount") or intent["amount_received"])
    return _json(_open_dispute(intent, amount, is_inquiry=bool(asked.get("inquiry"))))


@provider.control("POST", "/disputes/<identifier>/close")
def close_dispute(identifier: str) -> Response:
    """It ends: {"outcome": "won" or "lost"}; an inquiry ends in peace, or becomes a dispute with
    {"outcome": "escalated"}."""
    found = store().get(NAME, _DISPUTES, identifier)
    outcome = _asked()["outcome"]
    if found is None or outcome not in {"won", "lost", "escalated"}:
        raise NotFound
    is_inquiry = found["status"].startswith("warning")
    if outcome == "escalated":
        found.update(status="needs_response", balance_transactions=[_moved(-found["amount"])])
        return _json(_tell(found, "charge.dispute.funds_withdrawn", _DISPUTES))
    if outcome == "won" and not is_inquiry:
        found["balance_transactions"].append(_moved(found["amount"], fee=0))
    found["status"] = "warning_closed" if is_inquiry else outcome
    return _json(_tell(found, "charge.dispute.closed", _DISPUTES))


def _confirm(intent: Document, says: str) -> Document:
    if says == "":
        return _authorise(intent)
    if says == "ask":
        intent.update(status="requires_action", next_action={"type": "use_stripe_sdk"})
        return _keep(intent, "payment_intent.requires_action")
    error = {
        "code": "card_declined",
        "decline_code": says,
        "message": "Your card was declined.",
        "type": "card_error",
    }
    intent.update(status="requires_payment_method", last_payment_error=error)
    _keep(intent, "payment_intent.payment_failed")
    raise _Refused(
        402, "card_error", error["message"], code="card_declined", decline_code=says,
        payment_intent=intent,
    )  # fmt: skip


def _authorise(intent: Document) -> Document:
    charge = {
        "id": f"ch_{secrets.token_hex(12)}",
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "balance_transaction": None,
        "captured": False,
        "currency": "usd",
        "payment_intent": intent["id"],
    }
    intent.update(
        status="requires_capture", amount_capturable=intent["amount"], latest_charge=charge
    )
    return _keep(intent, "payment_intent.amount_capturable_updated")


def _open_dispute(intent: Document, amount: int, *, is_inquiry: bool) -> Document:
    opened = {
        "id": f"du_{secrets.token_hex(12)}",
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [] if is_inquiry else [_moved(-amount)],
        "charge": intent["latest_charge"]["id"],
        "created": int(time.time()),
        "currency": "usd",
        "payment_intent": intent["id"],
        "reason": "fraudulent",
        "status": "warning_needs_response" if is_inquiry else "needs_response",
    }
    return _tell(opened, "charge.dispute.created", _DISPUTES)


def _moved(amount: int, *, fee: int = _DISPUTE_FEE) -> Document:
    return {
        "id": f"txn_{secrets.token_hex(12)}",
        "object": "balance_transaction",
        "amount": amount,
        "currency": "usd",
        "fee": fee,
        "net": amount - fee,
        "type": "adjustment",
    }


def _keep(intent: Document, event: str) -> Document:
    return _tell(intent, event, _INTENTS)


def _tell(changed: Document, event: str, kind: str) -> Document:
    """Keep it, and say so to the exchange."""
    body = {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": "2026-10-28",
        "created": int(time.time()),
        "data": {"object": changed},
        "livemode": False,
        "type": event,
    }
    webhook_queue().send(NAME, json.dumps(body))
    return store().put(NAME, kind, changed["id"], changed)


def _in(identifier: str, *statuses: str) -> Document:
    intent = _found(_INTENTS, identifier)
    if intent["status"] not in statuses:
        message = f"This PaymentIntent has a status of {intent['status']}."
        code = "payment_intent_unexpected_state"
        raise _Refused(400, "invalid_request_error", message, code=code, payment_intent=intent)
    return intent


def _found(kind: str, identifier: str) -> Document:
    found = store().get(NAME, kind, identifier)
    if found is None:
        message = f"No such {kind}: '{identifier}'"
        raise _Refused(404, "invalid_request_error", message, code="resource_missing")
    return found


def _page(documents: list[Document], url: str) -> Document:
    since, limit = int(request.args.get("created[gte]", 0)), int(request.args.get("limit", 10))
    newest = [each for each in documents[::-1] if each["created"] >= since]
    if after := request.args.get("starting_after"):
        position = [each["id"] for each in newest].index(after)
        newest = newest[position + 1 :]
    return {"object": "list", "url": url, "data": newest[:limit], "has_more": len(newest) > limit}


def _invalid(message: str, code: str, parameter: str) -> _Refused:
    return _Refused(400, "invalid_request_error", message, code=code, param=parameter)


def _asked() -> Document:
    asked = request.get_json()
    if not isinstance(asked, dict):
        raise BadRequest("a JSON object is asked for")
    return asked


def _json(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
