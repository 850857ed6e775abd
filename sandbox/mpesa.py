"""M-Pesa through Daraja: prompts on phones, and money sent to them.

A phone whose number ends in 01 has not enough money, in 02 cancels, in 03 is switched off, in 04
has a holder who types a wrong PIN; a payout to one that ends in 01 fails. All others agree, after a
while or by control.
"""

import json
import re
import secrets
import string
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request
from werkzeug.exceptions import NotFound

from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key
from sandbox.provider import SandboxProvider, has_fault, settlement_seconds, store, webhook_queue
from sandbox.store import Document

#: What stands in addresses. Daraja refuses those that name its product.
NAME = "daraja"
CONSUMER_KEY = sandbox_key("daraja consumer")
CONSUMER_SECRET = sandbox_key("daraja consumer secret")
SHORTCODE = "174379"
PASSKEY = sandbox_key("daraja passkey")
INITIATOR = "sandbox"
CREDENTIAL = sandbox_key("daraja credential")

_EAT = timezone(timedelta(hours=3))
_TOKEN_SECONDS = 3599
_SHILLINGS_MAX = 250_000
_PAGE = 100
_PHONE = re.compile(r"254[17]\d{8}")
_FORBIDDEN = re.compile(r"m-?pesa|safaricom|exec?\b|cmd|sql", re.IGNORECASE)
_PUSHES, _PAYMENTS, _PAYOUTS, _TOKENS = "prompt", "payment", "payout", "token"
_ANSWERS = {"01": 1, "02": 1032, "03": 1037, "04": 2001}
_DESCRIPTIONS = {
    0: "The service request is processed successfully.",
    1: "The balance is insufficient for the transaction.",
    1032: "Request cancelled by user.",
    1037: "DS timeout user cannot be reached.",
    2001: "The initiator information is invalid.",
    2032: "The transaction does not exist.",
    2040: "Credit Party customer type can't be supported by the service.",
}
_NO_SUCH_PAYOUT, _UNREGISTERED = 2032, 2040


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    """Nothing: Daraja signs nothing."""
    del url, body, at, forged
    return {}


provider = SandboxProvider(NAME, "M-Pesa (Daraja)", sign=sign)

Handler = Callable[[], Response]


def _operation(path: str, name: str) -> Callable[[Handler], Handler]:
    """An operation for who has a token."""

    def declare(handler: Handler) -> Handler:
        def answer() -> Response:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            kept = store().get(NAME, _TOKENS, token)
            if kept is None or kept["until"] < time.time():
                return _error(404, "404.001.03", "Invalid Access Token")
            if has_fault(FaultMode.REFUSED):
                return _error(400, "400.002.02", "Bad Request")
            return handler()

        provider.operation("POST", path, name)(answer)
        return handler

    return declare


@provider.operation("GET", "/oauth/v1/generate", "token.get")
def create_token() -> Response:
    """For an hour."""
    login = request.authorization
    if login is None or (login.username, login.password) != (CONSUMER_KEY, CONSUMER_SECRET):
        return _error(400, "400.008.01", "Invalid Authentication passed")
    made = secrets.token_urlsafe(20)
    store().put(NAME, _TOKENS, made, {"until": time.time() + _TOKEN_SECONDS})
    return _json({"access_token": made, "expires_in": str(_TOKEN_SECONDS)})


@_operation("/mpesa/stkpush/v1/processrequest", "payments.prompt")
def send_prompt() -> Response:
    """A phone asks its holder."""
    asked = request.get_json()
    phone, amount = str(asked.get("PhoneNumber")), str(asked.get("Amount"))
    if wrong := _wrong(asked, phone, amount, asked.get("CallBackURL")):
        return wrong
    if not 0 < len(str(asked.get("AccountReference", ""))) <= 12:  # noqa: PLR2004 - their limit
        return _error(400, "400.002.02", "Bad Request - Invalid AccountReference")
    if store().find(NAME, _PUSHES, phone=phone, result=None):
        return _error(500, "500.001.1001", "Unable to lock subscriber")
    push = {
        "id": f"ws_CO_{secrets.token_hex(10)}",
        "merchant_id": f"{secrets.randbelow(10**5)}-{secrets.randbelow(10**8)}-1",
        "phone": phone,
        "amount": int(amount) + (1 if has_fault(FaultMode.WRONG_AMOUNT) else 0),
        "name": asked["AccountReference"],
        "callback": asked["CallBackURL"],
        "result": None,
        "at": time.time(),
    }
    store().put(NAME, _PUSHES, push["id"], push)
    return _json(
        {
            "MerchantRequestID": push["merchant_id"],
            "CheckoutRequestID": push["id"],
            "ResponseCode": "0",
            "ResponseDescription": "Success. Request accepted for processing",
            "CustomerMessage": "Success. Request accepted for processing",
        }
    )


@_operation("/mpesa/stkpushquery/v1/query", "payments.query")
def query_prompt() -> Response:
    """How a prompt was answered."""
    asked = request.get_json()
    if not _knows_password(asked):
        return _error(500, "500.001.1001", "Wrong credentials")
    push = store().get(NAME, _PUSHES, str(asked.get("CheckoutRequestID")))
    if push is None:
        return _error(400, "400.002.02", "Bad Request - Invalid CheckoutRequestID")
    if push["result"] is None:
        return _error(500, "500.001.1001", "The transaction is being processed")
    return _json(
        {
            "ResponseCode": "0",
            "ResponseDescription": "The service request has been accepted successfully",
            "MerchantRequestID": push["merchant_id"],
            "CheckoutRequestID": push["id"],
            "ResultCode": str(push["result"]),
            "ResultDesc": _DESCRIPTIONS[push["result"]],
        }
    )


@_operation("/pulltransactions/v1/query", "payments.list")
def list_payments() -> Response:
    """What came in, two days back at most; moments are East Africa Time."""
    asked = request.get_json()
    since, until = _moment(asked["StartDate"]), _moment(asked["EndDate"])
    since = max(since, time.time() - 48 * 3600)
    found = [
        each["shown"]
        for each in store().find(NAME, _PAYMENTS)
        if since <= each["at"] <= until and asked["ShortCode"] == SHORTCODE
    ]
    offset = int(asked["OffSetValue"])
    return _json(
        {
            "ResponseRefID": secrets.token_hex(8),
            "ResponseCode": "1000",
            "ResponseMessage": "Success",
            "Response": [found[offset : offset + _PAGE]],
        }
    )


@_operation("/mpesa/b2c/v3/paymentrequest", "payouts.create")
def create_payout() -> Response:
    """Money goes to a phone, once for each OriginatorConversationID."""
    asked = request.get_json()
    if not _is_initiator(asked.get("InitiatorName"), asked):
        return _error(400, "400.002.02", "Bad Request - Invalid InitiatorName")
    phone, amount = str(asked.get("PartyB")), str(asked.get("Amount"))
    if wrong := _wrong(None, phone, amount, asked.get("ResultURL")):
        return wrong
    reference = str(asked["OriginatorConversationID"])
    if store().get(NAME, _PAYOUTS, reference):
        return _accepted(reference, "15", "Duplicate Detected")
    payout = {
        "reference": reference,
        "conversation": _conversation(),
        "phone": phone,
        "amount": int(amount) - (10 if has_fault(FaultMode.WRONG_AMOUNT) else 0),
        "callback": asked["ResultURL"],
        "result": None,
        "receipt": None,
        "at": time.time(),
    }
    store().put(NAME, _PAYOUTS, reference, payout)
    return _accepted(reference, "0", "Accept the service request successfully.")


@_operation("/mpesa/transactionstatus/v1/query", "payouts.query")
def query_payout() -> Response:
    """How a payout stands: answered by calling back."""
    asked = request.get_json()
    if not _is_initiator(asked.get("Initiator"), asked):
        return _error(400, "400.002.02", "Bad Request - Invalid Initiator")
    reference = str(asked["OriginatorConversationID"])
    payout = store().get(NAME, _PAYOUTS, reference)
    if payout is None:
        _call_back(asked["ResultURL"], _result(reference, _NO_SUCH_PAYOUT, {}))
    else:
        statuses = {None: "Pending", 0: "Completed"}
        told = {
            "Amount": payout["amount"],
            "TransactionStatus": statuses.get(payout["result"], "Failed"),
            "ReceiptNo": payout["receipt"],
        }
        _call_back(asked["ResultURL"], _result(reference, 0, told))
    return _accepted(reference, "0", "Accept the service request successfully.")


@provider.control("POST", "/prompts/<identifier>/answer")
def answer_prompt(identifier: str) -> Response:
    """Its holder answers: {"result_code": 0 or why not}."""
    push = store().get(NAME, _PUSHES, identifier)
    if push is None or push["result"] is not None:
        raise NotFound
    return _json(_answer(push, int(request.get_json().get("result_code", 0))))


@provider.control("POST", "/payouts/<reference>/end")
def finish_payout(reference: str) -> Response:
    """It arrives or not: {"result_code": 0 or why not}."""
    payout = store().get(NAME, _PAYOUTS, reference)
    if payout is None or payout["result"] is not None:
        raise NotFound
    return _json(_end(payout, int(request.get_json().get("result_code", 0))))


@provider.control("POST", "/payments")
def receive_payment() -> Response:
    """Somebody pays without being asked: {"phone", "amount": shillings, "name"}."""
    asked = request.get_json()
    return _json(_come(str(asked["phone"]), int(asked["amount"]), str(asked["name"])))


@provider.periodic_task
def settle_due() -> None:
    """Holders answer and payouts arrive, as the phone's number says."""
    until = time.time() - settlement_seconds()
    for push in store().find(NAME, _PUSHES, result=None):
        if push["at"] <= until:
            _answer(push, _ANSWERS.get(push["phone"][-2:], 0))
    for payout in store().find(NAME, _PAYOUTS, result=None):
        if payout["at"] <= until:
            _end(payout, _UNREGISTERED if payout["phone"].endswith("01") else 0)


def _answer(push: Document, code: int) -> Document:
    called: Document = {
        "MerchantRequestID": push["merchant_id"],
        "CheckoutRequestID": push["id"],
        "ResultCode": code,
        "ResultDesc": _DESCRIPTIONS[code],
    }
    if code == 0:
        payment = _come(push["phone"], push["amount"], push["name"])
        items = {
            "Amount": push["amount"],
            "MpesaReceiptNumber": payment["transactionId"],
            "PhoneNumber": int(push["phone"]),
        }
        called["CallbackMetadata"] = {
            "Item": [{"Name": name, "Value": value} for name, value in items.items()]
        }
    _call_back(push["callback"], {"Body": {"stkCallback": called}})
    return store().put(NAME, _PUSHES, push["id"], {**push, "result": code})


def _come(phone: str, amount: int, name: str) -> Document:
    shown = {
        "transactionId": _receipt(),
        "trxDate": datetime.now(_EAT).isoformat(timespec="seconds"),
        "msisdn": phone,
        "sender": "MPESA",
        "transactiontype": "c2b-pay-bill-debit",
        "billreference": name,
        "amount": f"{amount}.0",
        "organizationname": "PBCEx",
    }
    kept = {"shown": shown, "at": time.time()}
    store().put(NAME, _PAYMENTS, str(shown["transactionId"]), kept)
    return shown


def _end(payout: Document, code: int) -> Document:
    receipt = _receipt() if code == 0 else None
    told = {"TransactionAmount": payout["amount"], "TransactionReceipt": receipt}
    result = _result(payout["reference"], code, told if code == 0 else {}, receipt)
    _call_back(payout["callback"], result)
    ended = {**payout, "result": code, "receipt": receipt}
    return store().put(NAME, _PAYOUTS, payout["reference"], ended)


def _result(
    reference: str, code: int, parameters: Document, receipt: str | None = None
) -> Document:
    return {
        "Result": {
            "ResultType": 0,
            "ResultCode": code,
            "ResultDesc": _DESCRIPTIONS[code],
            "OriginatorConversationID": reference,
            "ConversationID": _conversation(),
            "TransactionID": receipt or _receipt(),
            "ResultParameters": {
                "ResultParameter": [
                    {"Key": name, "Value": value} for name, value in parameters.items()
                ]
            },
        }
    }


def _call_back(url: str, document: Document) -> None:
    parts = urlsplit(url)
    webhook_queue().send(NAME, json.dumps(document), path=f"{parts.path}?{parts.query}")


def _wrong(asked: Document | None, phone: str, amount: str, callback: object) -> Response | None:
    """What is wrong with a request; a prompt also needs the password."""
    if asked is not None and not _knows_password(asked):
        return _error(500, "500.001.1001", "Wrong credentials")
    if not _PHONE.fullmatch(phone):
        return _error(400, "400.002.02", "Bad Request - Invalid PhoneNumber")
    if not amount.isdecimal() or not 1 <= int(amount) <= _SHILLINGS_MAX:
        return _error(400, "400.002.02", "Bad Request - Invalid Amount")
    if not isinstance(callback, str) or _FORBIDDEN.search(callback):
        return _error(400, "400.002.02", "Bad Request - Invalid CallBackURL")
    return None


def _knows_password(asked: Document) -> bool:
    sealed = b64encode(f"{SHORTCODE}{PASSKEY}{asked.get('Timestamp')}".encode()).decode()
    return asked.get("BusinessShortCode") == SHORTCODE and asked.get("Password") == sealed


def _is_initiator(name: object, asked: Document) -> bool:
    return (name, asked.get("SecurityCredential")) == (INITIATOR, CREDENTIAL)


def _accepted(reference: str, code: str, description: str) -> Response:
    return _json(
        {
            "ConversationID": _conversation(),
            "OriginatorConversationID": reference,
            "ResponseCode": code,
            "ResponseDescription": description,
        }
    )


def _conversation() -> str:
    return f"AG_{time.strftime('%Y%m%d')}_{secrets.token_hex(10)}"


def _receipt() -> str:
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(10))


def _moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_EAT).timestamp()


def _error(status: int, code: str, message: str) -> Response:
    document = {"requestId": secrets.token_hex(8), "errorCode": code, "errorMessage": message}
    return _json(document, status)


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
