"""A bank with our own protocol, described in app/integrations/bank.

It holds a million dollars of ours at first.

A payout settles after a while, or by a control. One to an account that ends in 0001 fails; one to
an account that ends in 0002 is returned after it had settled.
"""

import json
import secrets
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest, Conflict, NotFound

from sandbox import clock
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key, timed_signature
from sandbox.provider import SandboxProvider, has_fault, settlement_seconds, store, webhook_queue
from sandbox.store import Document

NAME = "bank"
API_KEY = sandbox_key("bank")
WEBHOOK_SECRET = sandbox_key("bank webhook")
OPENING_BALANCE = Decimal("1000000.00")
ROUTING_NUMBER = "123456780"

_FEE = Decimal("0.25")
_CENT = Decimal("0.01")
_WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7, 1)
_ACCOUNTS, _ARRIVALS, _PAYOUTS, _KEYS = "account", "arrival", "payout", "idempotency_key"
#: Final status of payouts by the end of the account number.
_FINAL_STATUSES = {"0001": "failed", "0002": "returned"}
_CODES = {"failed": "account_closed", "returned": "beneficiary_unknown"}
_NEXT_STATUSES = {"accepted": {"settled", "failed"}, "settled": {"returned"}}


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    """Sign the body; the URL does not matter."""
    del url
    key = "a key that is not the bank's" if forged else WEBHOOK_SECRET
    return {"Bank-Signature": timed_signature(key, body, at=at)}


provider = SandboxProvider(NAME, "Bank", sign=sign)


class _Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(code)


Handler = Callable[..., Response]


def _operation(method: str, rule: str, name: str) -> Callable[[Handler], Handler]:
    """Declare an operation that requires the API key."""

    def declare(handler: Handler) -> Handler:
        def respond(**path: str) -> Response:
            try:
                if request.headers.get("X-API-Key") != API_KEY:
                    return _error(401, "key_unknown")
                return _error(403, "not_today") if has_fault(FaultMode.REFUSED) else handler(**path)
            except _Refused as refusal:
                return _error(refusal.status, refusal.code)

        provider.operation(method, rule, name)(respond)
        return handler

    return declare


@_operation("PUT", "/accounts/<reference>", "accounts.put")
def put_account(reference: str) -> Response:
    """Return the account with a reference, created if there is none."""
    accounts = store().find(NAME, _ACCOUNTS, reference=reference)
    return _json(
        accounts[0] if accounts else _new_account(reference, str(request.get_json()["holder"]))
    )


@_operation("GET", "/accounts/<identifier>/arrivals", "arrivals.of_account")
def list_account_arrivals(identifier: str) -> Response:
    """List an account's incoming transfers, oldest first, in pages."""
    return _page(store().find(NAME, _ARRIVALS, account_id=identifier), "arrived_at")


@_operation("GET", "/arrivals", "arrivals.list")
def list_arrivals() -> Response:
    """List incoming transfers, oldest first, in pages."""
    return _page(store().find(NAME, _ARRIVALS), "arrived_at")


@_operation("GET", "/arrivals/<identifier>", "arrivals.get")
def get_arrival(identifier: str) -> Response:
    """Return an incoming transfer."""
    transfer = store().get(NAME, _ARRIVALS, identifier)
    return _json(transfer) if transfer else _error(404, "arrival_not_found")


@_operation("POST", "/payouts", "payouts.create")
def create_payout() -> Response:
    """Order a payout, once for each idempotency key, if the balance covers it."""
    key, order = request.headers.get("Idempotency-Key"), request.get_json()
    if not key:
        return _error(400, "idempotency_key_missing")
    if previous := store().get(NAME, _KEYS, key):
        if previous["asked"] != order:
            return _error(409, "idempotency_conflict")
        return _json(store().get(NAME, _PAYOUTS, previous["payout"]), 201)
    amount = _dollars(order.get("amount"))
    if order.get("currency") != "USD":
        raise _Refused(422, "currency_unknown")
    if not _is_routing_number(str(order.get("routing_number"))):
        raise _Refused(422, "routing_number_invalid")
    if balance() < amount + _FEE:
        raise _Refused(422, "balance_too_low")
    sent = amount - (_CENT if has_fault(FaultMode.WRONG_AMOUNT) else 0)
    payout = {
        "id": f"pay_{secrets.token_hex(8)}",
        "reference": order["reference"],
        "status": "accepted",
        "amount": str(sent),
        "currency": "USD",
        "fee": str(_FEE),
        "account_number": order["account_number"],
        "code": None,
        "trace": None,
        "created_at": clock.text(),
        "at": clock.now(),
    }
    store().put(NAME, _KEYS, key, {"asked": order, "payout": payout["id"]})
    _change_balance(-sent - _FEE)
    return _json(store().put(NAME, _PAYOUTS, str(payout["id"]), payout), 201)


@_operation("GET", "/payouts/by-reference/<reference>", "payouts.get")
def get_payout(reference: str) -> Response:
    """Return the payout with a reference."""
    payouts = store().find(NAME, _PAYOUTS, reference=reference)
    return _json(payouts[0]) if payouts else _error(404, "payout_not_found")


@_operation("GET", "/payouts", "payouts.list")
def list_payouts() -> Response:
    """List payouts, oldest first, in pages."""
    return _page(store().find(NAME, _PAYOUTS), "created_at")


@_operation("GET", "/balance", "balance.get")
def get_balance() -> Response:
    """Return our balance."""
    return _json({"amount": str(balance()), "currency": "USD"})


@provider.control("POST", "/arrivals")
def receive_transfer() -> Response:
    """A transfer comes in: {"account_ref": ID, or "account_number", "amount": "100.00"}."""
    payload = _payload()
    fields = {"id": payload["account_ref"]} if "account_ref" in payload else {}
    fields |= {"account_number": payload["account_number"]} if "account_number" in payload else {}
    accounts = store().find(NAME, _ACCOUNTS, **fields) if fields else []
    if not accounts:
        raise NotFound("No account has this number.")
    try:
        amount = _dollars(payload.get("amount"))
    except _Refused as refusal:
        raise BadRequest(refusal.code) from refusal
    transfer = {
        "id": f"arr_{secrets.token_hex(8)}",
        "account_id": accounts[0]["id"],
        "amount": str(amount),
        "currency": "USD",
        "arrived_at": clock.text(),
        "returned_at": None,
    }
    _change_balance(amount)
    return _json(_store_and_notify(_ARRIVALS, transfer, "arrival.received"))


@provider.control("POST", "/arrivals/<identifier>/return")
def return_arrival(identifier: str) -> Response:
    """The sender's bank takes a transfer back."""
    transfer = store().get(NAME, _ARRIVALS, identifier)
    if transfer is None or transfer["returned_at"]:
        raise NotFound("There is no transfer with this ID that can be returned.")
    _change_balance(-Decimal(transfer["amount"]))
    return _json(
        _store_and_notify(_ARRIVALS, {**transfer, "returned_at": clock.text()}, "arrival.returned")
    )


@provider.control("POST", "/payouts/<identifier>/<status>")
def change_payout(identifier: str, status: str) -> Response:
    """A payout becomes `settled`, `failed` or, once settled, `returned`."""
    payout = store().get(NAME, _PAYOUTS, identifier)
    if payout is None:
        raise NotFound("There is no payout with this ID.")
    if status not in _NEXT_STATUSES.get(payout["status"], set()):
        raise Conflict(f"A payout that is {payout['status']} cannot become {status}.")
    return _json(_change_status(payout, status))


@provider.periodic_task
def settle_due() -> None:
    """Settle, fail or return the payouts that are due."""
    until = clock.now() - settlement_seconds()
    for status in ("accepted", "settled"):
        for payout in store().find(NAME, _PAYOUTS, status=status):
            final_status = _FINAL_STATUSES.get(payout["account_number"][-4:], "settled")
            next_status = final_status if final_status in _NEXT_STATUSES[status] else "settled"
            if payout["at"] <= until and next_status in _NEXT_STATUSES[status]:
                _change_status(payout, next_status)


def balance() -> Decimal:
    """Return our balance."""
    stored = store().get(NAME, "balance", "USD")
    return Decimal(stored["amount"]) if stored else OPENING_BALANCE


def _change_status(payout: Document, status: str) -> Document:
    if status in _CODES:
        _change_balance(Decimal(payout["amount"]))
    if status == "failed":
        _change_balance(_FEE)
        payout["fee"] = None
    payout.update(status=status, code=_CODES.get(status), at=clock.now())
    payout["trace"] = payout["trace"] or f"{secrets.randbelow(10**15):015}"
    return _store_and_notify(_PAYOUTS, payout, "payout.updated")


def _change_balance(amount: Decimal) -> None:
    store().put(NAME, "balance", "USD", {"amount": str(balance() + amount)})


def _new_account(reference: str, holder: str) -> Document:
    number = len(store().find(NAME, _ACCOUNTS)) + 1
    account = {
        "id": f"acc_{secrets.token_hex(8)}",
        "reference": reference,
        "holder": holder,
        "account_number": f"90{number:010}",
        "routing_number": ROUTING_NUMBER,
        "bank_name": "Sandbox Bank",
    }
    return store().put(NAME, _ACCOUNTS, str(account["id"]), account)


def _store_and_notify(kind: str, document: Document, event: str) -> Document:
    """Store the document and queue a webhook that names it, without its content."""
    data = {name: document[name] for name in ("id", "reference") if name in document}
    body = {"id": f"evt_{secrets.token_hex(8)}", "type": event, "data": data}
    webhook_queue().send(NAME, json.dumps(body))
    return store().put(NAME, kind, document["id"], document)


def _page(documents: list[Document], time_field: str) -> Response:
    since, limit = request.args.get("since", ""), int(request.args.get("limit", 100))
    items = [document for document in documents if document[time_field] >= since]
    if after := request.args.get("after"):
        items = items[[document["id"] for document in items].index(after) + 1 :]
    page = items[:limit]
    return _json({"items": page, "next": page[-1]["id"] if len(items) > limit else None})


def _is_routing_number(text: str) -> bool:
    if len(text) != len(_WEIGHTS) or not text.isdecimal():
        return False
    return sum(int(d) * w for d, w in zip(text, _WEIGHTS, strict=True)) % 10 == 0


def _dollars(text: object) -> Decimal:
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        raise _Refused(422, "amount_invalid") from None
    if not amount.is_finite() or amount <= 0 or amount != amount.quantize(_CENT):
        raise _Refused(422, "amount_invalid")
    return amount.quantize(_CENT)


def _payload() -> dict[str, Any]:
    payload = request.get_json()
    if not isinstance(payload, dict):
        raise BadRequest("The body must be a JSON object.")
    return payload


def _error(status: int, code: str) -> Response:
    return _json({"error": {"code": code, "message": code.replace("_", " ")}}, status)


def _json(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
