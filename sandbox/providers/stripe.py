"""Stripe: card payments and their disputes; controls decide what happens to them.

Why this is our own module and not localstripe: docs/adr/0019-sandbox.md.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotFound

from sandbox import clock
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key, timed_signature
from sandbox.provider import SandboxProvider, has_fault, store, webhook_queue
from sandbox.store import Document

NAME = "stripe"
SECRET_KEY = f"sk_test_{sandbox_key('stripe')}"
WEBHOOK_SECRET = f"whsec_{sandbox_key('stripe webhook')}"

#: Test cards and their bank's response: a decline code, or `ask` for authentication.
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
_PARAMETERS = frozenset(
    {"amount", "currency", "payment_method", "payment_method_types", "capture_method", "confirm"}
    | {"metadata", "expand"}
)
_REFUND_PARAMETERS = frozenset({"payment_intent", "amount", "metadata"})
_CENTS_MIN, _CENTS_MAX = 50, 99_999_999
_FEE_PER_MILLE, _FEE_CENTS = 29, 30
_DISPUTE_FEE = 1500
_KEY_SECONDS = 24 * 3600
#: The search finds only payments older than this.
_SEARCH_LAG_SECONDS = 60
_QUERY = re.compile(r"metadata\['(\w+)'\]:'([^']*)'")
_INTENTS, _DISPUTES, _KEYS = "payment_intent", "dispute", "idempotency_key"
_REFUNDS = "refund"


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    """Sign the body as Stripe does; the URL does not matter."""
    del url
    key = "whsec_not_of_stripe" if forged else WEBHOOK_SECRET
    return {"Stripe-Signature": timed_signature(key, body, at=at)}


provider = SandboxProvider(NAME, "Stripe", sign=sign)


class _Refused(Exception):
    """An error of Stripe: the status, and the object under `error`."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        self.status = status
        self.error = {"type": kind, "message": message, **more}
        super().__init__(message)


Handler = Callable[..., Document]


def _operation(method: str, rule: str, name: str) -> Callable[[Handler], Handler]:
    """Declare an operation that requires the key and returns a document or raises `_Refused`.

    A POST is carried out once for each idempotency key.
    """

    def declare(handler: Handler) -> Handler:
        def respond(**path: str) -> Response:
            try:
                _check_key()
                return _once(handler, path) if method == "POST" else _json(handler(**path))
            except _Refused as refusal:
                return _json({"error": refusal.error}, refusal.status)

        provider.operation(method, rule, name)(respond)
        return handler

    return declare


def _check_key() -> None:
    if request.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
        raise _Refused(401, "invalid_request_error", "Invalid API Key provided")


def _once(handler: Handler, path: dict[str, str]) -> Response:
    key = request.headers.get("Idempotency-Key")
    if not key:
        return _json(handler(**path))
    request_digest = f"{request.path}?{sorted(request.form.items(multi=True))}"
    previous = store().get(NAME, _KEYS, key)
    if previous and previous["at"] > clock.now() - _KEY_SECONDS:
        if previous["asked"] != request_digest:
            raise _Refused(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were"
                " first used with.",
            )
        return _json(previous["document"], previous["status"])
    try:
        document, status = handler(**path), 200
    except _Refused as refusal:
        if refusal.status != 402:  # noqa: PLR2004 - all others are refused before any effect
            raise
        document, status = {"error": refusal.error}, refusal.status
    stored = {"asked": request_digest, "at": clock.now(), "document": document, "status": status}
    store().put(NAME, _KEYS, key, stored)
    return _json(document, status)


@_operation("POST", "/v1/payment_intents", "payments.create")
def create_payment() -> Document:
    """Create a payment intent; supports only what we use: confirmed at once, captured later."""
    parameters = request.form
    for name in parameters:
        if name.partition("[")[0] not in _PARAMETERS:
            raise _invalid(f"Received unknown parameter: {name}", "parameter_unknown", name)
    amount = parameters.get("amount", "")
    if not amount.isdecimal() or not _CENTS_MIN <= int(amount) <= _CENTS_MAX:
        raise _invalid("Amount must be at least $0.50 usd", "amount_too_small", "amount")
    if parameters.get("currency") != "usd" or parameters.get("capture_method") != "manual":
        raise _invalid("The sandbox supports only usd with manual capture", "parameter_invalid", "")
    method = parameters.get("payment_method", "")
    card_response = "generic_decline" if has_fault(FaultMode.REFUSED) else CARDS.get(method)
    if card_response is None:
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
        "created": int(clock.now()),
        "currency": "usd",
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {
            name[9:-1]: value for name, value in parameters.items() if name[:9] == "metadata["
        },
        "next_action": None,
        "payment_method": method,
        "payment_method_types": ["card"],
        "status": "requires_confirmation",
    }
    return _confirm(intent, card_response)


@_operation("GET", "/v1/payment_intents", "payments.list")
def list_payments() -> Document:
    """List payment intents, newest first, in pages."""
    return _page(store().find(NAME, _INTENTS), "/v1/payment_intents")


@_operation("GET", "/v1/payment_intents/search", "payments.search")
def search_payments() -> Document:
    """Search by one field of the metadata; lags by a minute, as Stripe's search may."""
    match = _QUERY.fullmatch(request.args.get("query", ""))
    if match is None:
        raise _invalid("The sandbox does not support this query", "parameter_invalid", "query")
    name, value = match.groups()
    until = clock.now() - _SEARCH_LAG_SECONDS
    payments = [
        intent
        for intent in store().find(NAME, _INTENTS)
        if intent["metadata"].get(name) == value and intent["created"] <= until
    ]
    return {"object": "search_result", "data": payments, "has_more": False, "next_page": None}


@_operation("GET", "/v1/payment_intents/<identifier>", "payments.get")
def get_payment(identifier: str) -> Document:
    """Return a payment intent."""
    return _require(_INTENTS, identifier)


@_operation("POST", "/v1/payment_intents/<identifier>/capture", "payments.capture")
def capture_payment(identifier: str) -> Document:
    """Capture the full amount; less if a fault says so."""
    intent = _intent_with_status(identifier, "requires_capture")
    if has_fault(FaultMode.REFUSED):
        raise _invalid("The hold on this card has expired", "charge_expired_for_capture", "")
    captured = intent["amount"] - (1 if has_fault(FaultMode.WRONG_AMOUNT) else 0)
    fee = (captured * _FEE_PER_MILLE + 500) // 1000 + _FEE_CENTS
    intent["latest_charge"].update(
        captured=True,
        amount_captured=captured,
        balance_transaction={
            "id": f"txn_{secrets.token_hex(12)}",
            "object": "balance_transaction",
            "amount": captured,
            "currency": "usd",
            "fee": fee,
            "net": captured - fee,
            "type": "charge",
        },
    )
    intent.update(status="succeeded", amount_capturable=0, amount_received=captured)
    _keep(intent, "payment_intent.succeeded")
    if intent["payment_method"] == _DISPUTED:
        _open_dispute(intent, captured, is_inquiry=False)
    return intent


@_operation("POST", "/v1/payment_intents/<identifier>/cancel", "payments.cancel")
def cancel_payment(identifier: str) -> Document:
    """Cancel a payment intent that is not captured."""
    intent = _intent_with_status(
        identifier, "requires_payment_method", "requires_confirmation", "requires_action",
        "requires_capture",
    )  # fmt: skip
    intent.update(
        status="canceled", amount_capturable=0, canceled_at=int(clock.now()), next_action=None
    )
    return _keep(intent, "payment_intent.canceled")


@_operation("GET", "/v1/disputes", "disputes.list")
def list_disputes() -> Document:
    """List disputes, newest first, in pages."""
    return _page(store().find(NAME, _DISPUTES), "/v1/disputes")


@_operation("GET", "/v1/disputes/<identifier>", "disputes.get")
def get_dispute(identifier: str) -> Document:
    """Return a dispute."""
    return _require(_DISPUTES, identifier)


@_operation("GET", "/v1/refunds", "refunds.list")
def list_refunds() -> Document:
    """List refunds, newest first, in pages."""
    return _page(store().find(NAME, _REFUNDS), "/v1/refunds")


@_operation("GET", "/v1/refunds/<identifier>", "refunds.get")
def get_refund(identifier: str) -> Document:
    """Return a refund."""
    return _require(_REFUNDS, identifier)


@_operation("POST", "/v1/refunds", "refunds.create")
def create_refund() -> Document:
    """Refund a captured payment or a part of it, as long as so much of it is left."""
    parameters = request.form
    for name in parameters:
        if name.partition("[")[0] not in _REFUND_PARAMETERS:
            raise _invalid(f"Received unknown parameter: {name}", "parameter_unknown", name)
    intent = _intent_with_status(parameters.get("payment_intent", ""), "succeeded")
    refunded = sum(
        each["amount"]
        for each in store().find(NAME, _REFUNDS)
        if each["payment_intent"] == intent["id"] and each["status"] != "failed"
    )
    disputed = any(
        each["payment_intent"] == intent["id"] and each["status"] != "won"
        for each in store().find(NAME, _DISPUTES)
    )
    if disputed:
        raise _invalid("The charge has been charged back", "charge_disputed", "payment_intent")
    amount = parameters.get("amount", "")
    if (
        not amount.isdecimal()
        or int(amount) > intent["amount_received"] - refunded
        or has_fault(FaultMode.REFUSED)
    ):
        raise _invalid("So much is not left to refund", "charge_already_refunded", "amount")
    return _refund(intent, int(amount), parameters.get("metadata[reference]"))


@provider.control("POST", "/refunds")
def make_refund() -> Response:
    """Refund a payment at the dashboard: {"payment", "amount"?: cents}."""
    payload = _payload()
    intent = store().get(NAME, _INTENTS, str(payload["payment"]))
    if intent is None or intent["status"] != "succeeded":
        raise NotFound
    return _json(_refund(intent, int(payload.get("amount") or intent["amount_received"]), None))


@provider.control("POST", "/refunds/<identifier>/fail")
def fail_refund(identifier: str) -> Response:
    """The card's bank returns a refund: the amount comes back to the balance."""
    refund = store().get(NAME, _REFUNDS, identifier)
    if refund is None:
        raise NotFound
    refund.update(status="failed", failure_reason="lost_or_stolen_card")
    return _json(_store_and_notify(refund, "refund.failed", _REFUNDS))


@provider.control("POST", "/payments/<identifier>/authenticate")
def authenticate(identifier: str) -> Response:
    """The customer completes or fails authentication: {"success": true or false}."""
    intent = store().get(NAME, _INTENTS, identifier)
    if intent is None or intent["status"] != "requires_action":
        raise NotFound
    intent["next_action"] = None
    if _payload()["success"]:
        return _json(_authorise(intent))
    error = {
        "code": "payment_intent_authentication_failure",
        "type": "card_error",
        "message": "The provided PaymentMethod has failed authentication.",
    }
    intent.update(status="requires_payment_method", last_payment_error=error)
    return _json(_keep(intent, "payment_intent.payment_failed"))


@provider.control("POST", "/disputes")
def open_dispute() -> Response:
    """A bank disputes a payment: {"payment", "amount"?: cents, "inquiry"?: true}. An inquiry takes
    no money yet."""
    payload = _payload()
    intent = store().get(NAME, _INTENTS, str(payload["payment"]))
    if intent is None or intent["status"] != "succeeded":
        raise NotFound
    amount = int(payload.get("amount") or intent["amount_received"])
    return _json(_open_dispute(intent, amount, is_inquiry=bool(payload.get("inquiry"))))


@provider.control("POST", "/disputes/<identifier>/close")
def close_dispute(identifier: str) -> Response:
    """A dispute ends: {"outcome": "won" or "lost"}. An inquiry closes without effect, or becomes a
    dispute with {"outcome": "escalated"}."""
    dispute = store().get(NAME, _DISPUTES, identifier)
    outcome = _payload()["outcome"]
    if dispute is None or outcome not in {"won", "lost", "escalated"}:
        raise NotFound
    is_inquiry = dispute["status"].startswith("warning")
    if outcome == "escalated":
        dispute.update(
            status="needs_response", balance_transactions=[_balance_transaction(-dispute["amount"])]
        )
        return _json(_store_and_notify(dispute, "charge.dispute.funds_withdrawn", _DISPUTES))
    if outcome == "won" and not is_inquiry:
        dispute["balance_transactions"].append(_balance_transaction(dispute["amount"], fee=0))
    dispute["status"] = "warning_closed" if is_inquiry else outcome
    return _json(_store_and_notify(dispute, "charge.dispute.closed", _DISPUTES))


def _confirm(intent: Document, card_response: str) -> Document:
    if card_response == "":
        return _authorise(intent)
    if card_response == "ask":
        intent.update(status="requires_action", next_action={"type": "use_stripe_sdk"})
        return _keep(intent, "payment_intent.requires_action")
    error = {
        "code": "card_declined",
        "decline_code": card_response,
        "message": "Your card was declined.",
        "type": "card_error",
    }
    intent.update(status="requires_payment_method", last_payment_error=error)
    _keep(intent, "payment_intent.payment_failed")
    raise _Refused(
        402, "card_error", error["message"], code="card_declined", decline_code=card_response,
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
        "balance_transactions": [] if is_inquiry else [_balance_transaction(-amount)],
        "charge": intent["latest_charge"]["id"],
        "created": int(clock.now()),
        "currency": "usd",
        "payment_intent": intent["id"],
        "reason": "fraudulent",
        "status": "warning_needs_response" if is_inquiry else "needs_response",
    }
    return _store_and_notify(opened, "charge.dispute.created", _DISPUTES)


def _refund(intent: Document, amount: int, reference: str | None) -> Document:
    made = {
        "id": f"re_{secrets.token_hex(12)}",
        "object": "refund",
        "amount": amount,
        "charge": intent["latest_charge"]["id"],
        "created": int(clock.now()),
        "currency": "usd",
        "metadata": {"reference": reference} if reference else {},
        "payment_intent": intent["id"],
        "reason": None,
        "status": "succeeded",
    }
    return _store_and_notify(made, "refund.created", _REFUNDS)


def _balance_transaction(amount: int, *, fee: int = _DISPUTE_FEE) -> Document:
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
    return _store_and_notify(intent, event, _INTENTS)


def _store_and_notify(document: Document, event: str, kind: str) -> Document:
    """Store the document and queue a webhook with its content."""
    body = {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": "2026-10-28",
        "created": int(clock.now()),
        "data": {"object": document},
        "livemode": False,
        "type": event,
    }
    webhook_queue().send(NAME, json.dumps(body))
    return store().put(NAME, kind, document["id"], document)


def _intent_with_status(identifier: str, *statuses: str) -> Document:
    intent = _require(_INTENTS, identifier)
    if intent["status"] not in statuses:
        message = f"This PaymentIntent has a status of {intent['status']}."
        code = "payment_intent_unexpected_state"
        raise _Refused(400, "invalid_request_error", message, code=code, payment_intent=intent)
    return intent


def _require(kind: str, identifier: str) -> Document:
    document = store().get(NAME, kind, identifier)
    if document is None:
        message = f"No such {kind}: '{identifier}'"
        raise _Refused(404, "invalid_request_error", message, code="resource_missing")
    return document


def _page(documents: list[Document], url: str) -> Document:
    since, limit = int(request.args.get("created[gte]", 0)), int(request.args.get("limit", 10))
    newest = [document for document in documents[::-1] if document["created"] >= since]
    if after := request.args.get("starting_after"):
        position = [document["id"] for document in newest].index(after)
        newest = newest[position + 1 :]
    return {"object": "list", "url": url, "data": newest[:limit], "has_more": len(newest) > limit}


def _invalid(message: str, code: str, parameter: str) -> _Refused:
    return _Refused(400, "invalid_request_error", message, code=code, param=parameter)


def _payload() -> Document:
    payload = request.get_json()
    if not isinstance(payload, dict):
        raise BadRequest("The body must be a JSON object.")
    return payload


def _json(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
