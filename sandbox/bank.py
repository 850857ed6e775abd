"""A bank in our own protocol (app/integrations/bank says it), with a million dollars of ours.

A payout settles after a while, or by control. One to an account that ends in 0001 fails, one to an
account that ends in 0002 is sent back after it had settled.
"""

import json
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Response, request
from werkzeug.exceptions import BadRequest, Conflict, NotFound

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
#: What becomes of payouts to accounts that end so.
_STEERED = {"0001": "failed", "0002": "returned"}
_CODES = {"failed": "account_closed", "returned": "beneficiary_unknown"}
_FOLLOWING = {"accepted": {"settled", "failed"}, "settled": {"returned"}}


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    """The body, wherever it goes."""
    del url
    key = "a key of somebody else" if forged else WEBHOOK_SECRET
    return {"Bank-Signature": timed_signature(key, body, at=at)}


provider = SandboxProvider(NAME, "Bank", sign=sign)


class _Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status = status
        self.code = code
        super().__init__(code)


Handler = Callable[..., Response]


def _operation(method: str, rule: str, name: str) -> Callable[[Handler], Handler]:
    """An operation for who knows the key."""

    def declare(handler: Handler) -> Handler:
        def answer(**path: str) -> Response:
            try:
                if request.headers.get("X-API-Key") != API_KEY:
                    return _error(401, "key_unknown")
                return _error(403, "not_today") if has_fault(FaultMode.REFUSED) else handler(**path)
            except _Refused as refused:
                return _error(refused.status, refused.code)

        provider.operation(method, rule, name)(answer)
        return handler

    return declare


@_operation("PUT", "/accounts/<reference>", "accounts.put")
def put_account(reference: str) -> Response:
    """The account with that reference, made if there is none."""
    found = store().find(NAME, _ACCOUNTS, reference=reference)
    return _json(found[0] if found else _new_account(reference, str(request.get_json()["holder"])))


@_operation("GET", "/accounts/<identifier>/arrivals", "arrivals.of_account")
def list_account_arrivals(identifier: str) -> Response:
    """Oldest first, in pages."""
    return _page(store().find(NAME, _ARRIVALS, account_id=identifier), "arrived_at")


@_operation("GET", "/arrivals", "arrivals.list")
def list_arrivals() -> Response:
    """Oldest first, in pages."""
    return _page(store().find(NAME, _ARRIVALS), "arrived_at")


@_operation("GET", "/arrivals/<identifier>", "arrivals.get")
def get_arrival(identifier: str) -> Response:
    """One of them."""
    found = store().get(NAME, _ARRIVALS, identifier)
    return _json(found) if found else _error(404, "arrival_not_found")


@_operation("POST", "/payouts", "payouts.create")
def create_payout() -> Response:
    """Once for each idempotency key, if there is money enough."""
    key, asked = request.headers.get("Idempotency-Key"), request.get_json()
    if not key:
        return _error(400, "idempotency_key_missing")
    if before := store().get(NAME, _KEYS, key):
        if before["asked"] != asked:
            return _error(409, "idempotency_conflict")
        return _json(store().get(NAME, _PAYOUTS, before["payout"]), 201)
    amount = _dollars(asked.get("amount"))
    if asked.get("currency") != "USD":
        raise _Refused(422, "currency_unknown")
    if not _is_routing_number(str(asked.get("routing_number"))):
        raise _Refused(422, "routing_number_invalid")
    if balance() < amount + _FEE:
        raise _Refused(422, "balance_too_low")
    sent = amount - (_CENT if has_fault(FaultMode.WRONG_AMOUNT) else 0)
    payout = {
        "id": f"pay_{secrets.token_hex(8)}",
        "reference": asked["reference"],
        "status": "accepted",
        "amount": str(sent),
        "currency": "USD",
        "fee": str(_FEE),
        "account_number": asked["account_number"],
        "code": None,
        "trace": None,
        "created_at": _now(),
        "at": time.time(),
    }
    store().put(NAME, _KEYS, key, {"asked": asked, "payout": payout["id"]})
    _move(-sent - _FEE)
    return _json(store().put(NAME, _PAYOUTS, str(payout["id"]), payout), 201)


@_operation("GET", "/payouts/by-reference/<reference>", "payouts.get")
def get_payout(reference: str) -> Response:
    """The one with that reference."""
    found = store().find(NAME, _PAYOUTS, reference=reference)
    return _json(found[0]) if found else _error(404, "payout_not_found")


@_operation("GET", "/payouts", "payouts.list")
def list_payouts() -> Response:
    """Oldest first, in pages."""
    return _page(store().find(NAME, _PAYOUTS), "created_at")


@_operation("GET", "/balance", "balance.get")
def get_balance() -> Response:
    """What is ours there."""
    return _json({"amount": str(balance()), "currency": "USD"})


@provider.control("POST", "/arrivals")
def receive_transfer() -> Response:
    """Somebody sends money: {"account_ref": id or "account_number", "amount": "100.00"}."""
    asked = _asked()
    by = {"id": asked["account_ref"]} if "account_ref" in asked else {}
    by |= {"account_number": asked["account_number"]} if "account_number" in asked else {}
    found = store().find(NAME, _ACCOUNTS, **by) if by else []
    if not found:
        raise NotFound("no account has that number")
    try:
        amount = _dollars(asked.get("amount"))
    except _Refused as refused:
        raise BadRequest(refused.code) from refused
    came = {
        "id": f"arr_{secrets.token_hex(8)}",
        "account_id": found[0]["id"],
        "amount": str(amount),
        "currency": "USD",
        "arrived_at": _now(),
        "returned_at": None,
    }
    _move(amount)
    return _json(_tell(_ARRIVALS, came, "arrival.received"))


@provider.control("POST", "/arrivals/<identifier>/return")
def return_arrival(identifier: str) -> Response:
    """The sender's bank takes it back."""
    found = store().get(NAME, _ARRIVALS, identifier)
    if found is None or found["returned_at"]:
        raise NotFound("nothing of that id is here to be taken back")
    _move(-Decimal(found["amount"]))
    return _json(_tell(_ARRIVALS, {**found, "returned_at": _now()}, "arrival.returned"))


@provider.control("POST", "/payouts/<identifier>/<status>")
def change_payout(identifier: str, status: str) -> Response:
    """It becomes `settled`, `failed` or, once settled, `returned`."""
    found = store().get(NAME, _PAYOUTS, identifier)
    if found is None:
        raise NotFound("there is no such payout")
    if status not in _FOLLOWING.get(found["status"], set()):
        raise Conflict(f"a payout that is {found['status']} does not become {status}")
    return _json(_become(found, status))


@provider.periodic_task
def settle_due() -> None:
    """What was accepted a while ago goes its way."""
    until = time.time() - settlement_seconds()
    for status in ("accepted", "settled"):
        for payout in store().find(NAME, _PAYOUTS, status=status):
            steered = _STEERED.get(payout["account_number"][-4:], "settled")
            follows = steered if steered in _FOLLOWING[status] else "settled"
            if payout["at"] <= until and follows in _FOLLOWING[status]:
                _become(payout, follows)


def balance() -> Decimal:
    """What is ours there."""
    found = store().get(NAME, "balance", "USD")
    return Decimal(found["amount"]) if found else OPENING_BALANCE


def _become(payout: Document, status: str) -> Document:
    if status in _CODES:
        _move(Decimal(payout["amount"]))
    if status == "failed":
        _move(_FEE)
        payout["fee"] = None
    payout.update(status=status, code=_CODES.get(status), at=time.time())
    payout["trace"] = payout["trace"] or f"{secrets.randbelow(10**15):015}"
    return _tell(_PAYOUTS, payout, "payout.updated")


def _move(amount: Decimal) -> None:
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


def _tell(kind: str, changed: Document, event: str) -> Document:
    """Keep it, and say so to the exchange: which, not what."""
    data = {name: changed[name] for name in ("id", "reference") if name in changed}
    body = {"id": f"evt_{secrets.token_hex(8)}", "type": event, "data": data}
    webhook_queue().send(NAME, json.dumps(body))
    return store().put(NAME, kind, changed["id"], changed)


def _page(documents: list[Document], moment: str) -> Response:
    since, limit = request.args.get("since", ""), int(request.args.get("limit", 100))
    items = [each for each in documents if each[moment] >= since]
    if after := request.args.get("after"):
        items = items[[each["id"] for each in items].index(after) + 1 :]
    shown = items[:limit]
    return _json({"items": shown, "next": shown[-1]["id"] if len(items) > limit else None})


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


def _asked() -> dict[str, Any]:
    asked = request.get_json()
    if not isinstance(asked, dict):
        raise BadRequest("a JSON object is asked for")
    return asked


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(status: int, code: str) -> Response:
    return _json({"error": {"code": code, "message": code.replace("_", " ")}}, status)


def _json(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
