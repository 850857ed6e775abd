"""M-Pesa through Daraja: prompts on phones, and money sent to them.

A phone whose number ends in 01 has too little money, in 02 cancels, in 03 is switched off, in 04
enters a wrong PIN; a payout to a number that ends in 01 fails. All others succeed, after a while or
by a control.
"""

import json
import re
import secrets
import string
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request
from werkzeug.exceptions import NotFound

from sandbox import clock
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key
from sandbox.provider import SandboxProvider, has_fault, settlement_seconds, store, webhook_queue
from sandbox.store import Document
from sandbox.tokens import LIFETIME, has_token, issue_token

#: The name in URLs. Daraja refuses URLs that contain its product's name.
NAME = "daraja"
CONSUMER_KEY = sandbox_key("daraja consumer")
CONSUMER_SECRET = sandbox_key("daraja consumer secret")
SHORTCODE = "174379"
PASSKEY = sandbox_key("daraja passkey")
INITIATOR = "sandbox"
CREDENTIAL = sandbox_key("daraja credential")

_EAT = timezone(timedelta(hours=3))
_SHILLINGS_MAX = 250_000
_PAGE = 100
_PHONE = re.compile(r"254[17]\d{8}")
_FORBIDDEN = re.compile(r"m-?pesa|safaricom|exec?\b|cmd|sql", re.IGNORECASE)
_PROMPTS, _PAYMENTS, _PAYOUTS = "prompt", "payment", "payout"
_RESULT_CODES = {"01": 1, "02": 1032, "03": 1037, "04": 2001}
_DESCRIPTIONS = {
    0: "The service request is processed successfully.",
    1: "The balance is insufficient for the transaction.",
    1032: "Request cancelled by user.",
    1037: "DS timeout user cannot be reached.",
    2001: "The initiator information is invalid.",
    2032: "The transaction does not exist.",
    2040: "Credit Party customer type can't be supported by the service.",
}
_NO_SUCH_PAYOUT, _UNREGISTERED, _TIMED_OUT = 2032, 2040, 1037


def sign(url: str, body: bytes, *, at: float, forged: bool) -> dict[str, str]:
    """Return no headers: Daraja signs nothing."""
    del url, body, at, forged
    return {}


provider = SandboxProvider(NAME, "M-Pesa (Daraja)", sign=sign)

Handler = Callable[[], Response]


def _operation(path: str, name: str) -> Callable[[Handler], Handler]:
    """Declare an operation that requires a token."""

    def declare(handler: Handler) -> Handler:
        def respond() -> Response:
            if not has_token(NAME):
                return _error(404, "404.001.03", "Invalid Access Token")
            if has_fault(FaultMode.REFUSED):
                return _error(400, "400.002.02", "Bad Request")
            return handler()

        provider.operation("POST", path, name)(respond)
        return handler

    return declare


@provider.operation("GET", "/oauth/v1/generate", "token.get")
def create_token() -> Response:
    """Return a token for an hour."""
    credentials = request.authorization
    if credentials is None or (credentials.username, credentials.password) != (
        CONSUMER_KEY,
        CONSUMER_SECRET,
    ):
        return _error(400, "400.008.01", "Invalid Authentication passed")
    return _json({"access_token": issue_token(NAME), "expires_in": str(LIFETIME)})


@_operation("/mpesa/stkpush/v1/processrequest", "payments.prompt")
def send_prompt() -> Response:
    """Send a payment prompt to a phone."""
    payload = request.get_json()
    phone, amount = str(payload.get("PhoneNumber")), str(payload.get("Amount"))
    if error := _request_error(payload, phone, amount, payload.get("CallBackURL")):
        return error
    if not 0 < len(str(payload.get("AccountReference", ""))) <= 12:  # noqa: PLR2004 - their limit
        return _error(400, "400.002.02", "Bad Request - Invalid AccountReference")
    if store().find(NAME, _PROMPTS, phone=phone, result=None):
        return _error(500, "500.001.1001", "Unable to lock subscriber")
    prompt = {
        "id": f"ws_CO_{secrets.token_hex(10)}",
        "merchant_id": f"{secrets.randbelow(10**5)}-{secrets.randbelow(10**8)}-1",
        "phone": phone,
        "amount": int(amount) + (1 if has_fault(FaultMode.WRONG_AMOUNT) else 0),
        "name": payload["AccountReference"],
        "callback": payload["CallBackURL"],
        "result": None,
        "at": clock.now(),
    }
    store().put(NAME, _PROMPTS, prompt["id"], prompt)
    return _json(
        {
            "MerchantRequestID": prompt["merchant_id"],
            "CheckoutRequestID": prompt["id"],
            "ResponseCode": "0",
            "ResponseDescription": "Success. Request accepted for processing",
            "CustomerMessage": "Success. Request accepted for processing",
        }
    )


@_operation("/mpesa/stkpushquery/v1/query", "payments.query")
def query_prompt() -> Response:
    """Return the result of a prompt."""
    payload = request.get_json()
    if not _has_password(payload):
        return _error(500, "500.001.1001", "Wrong credentials")
    prompt = store().get(NAME, _PROMPTS, str(payload.get("CheckoutRequestID")))
    if prompt is None:
        return _error(400, "400.002.02", "Bad Request - Invalid CheckoutRequestID")
    if prompt["result"] is None:
        return _error(500, "500.001.1001", "The transaction is being processed")
    return _json(
        {
            "ResponseCode": "0",
            "ResponseDescription": "The service request has been accepted successfully",
            "MerchantRequestID": prompt["merchant_id"],
            "CheckoutRequestID": prompt["id"],
            "ResultCode": str(prompt["result"]),
            "ResultDesc": _DESCRIPTIONS[prompt["result"]],
        }
    )


@_operation("/pulltransactions/v1/query", "payments.list")
def list_payments() -> Response:
    """List payments received, two days back at most; times are East Africa Time."""
    payload = request.get_json()
    since, until = _timestamp(payload["StartDate"]), _timestamp(payload["EndDate"])
    since = max(since, clock.now() - 48 * 3600)
    payments = [
        payment["shown"]
        for payment in store().find(NAME, _PAYMENTS)
        if since <= payment["at"] <= until and payload["ShortCode"] == SHORTCODE
    ]
    offset = int(payload["OffSetValue"])
    return _json(
        {
            "ResponseRefID": secrets.token_hex(8),
            "ResponseCode": "1000",
            "ResponseMessage": "Success",
            "Response": [payments[offset : offset + _PAGE]],
        }
    )


@_operation("/mpesa/b2c/v3/paymentrequest", "payouts.create")
def create_payout() -> Response:
    """Send money to a phone, once for each OriginatorConversationID."""
    payload = request.get_json()
    if not _is_initiator(payload.get("InitiatorName"), payload):
        return _error(400, "400.002.02", "Bad Request - Invalid InitiatorName")
    phone, amount = str(payload.get("PartyB")), str(payload.get("Amount"))
    if error := _request_error(None, phone, amount, payload.get("ResultURL")):
        return error
    reference = str(payload["OriginatorConversationID"])
    if store().get(NAME, _PAYOUTS, reference):
        return _accepted(reference, "15", "Duplicate Detected")
    payout = {
        "reference": reference,
        "conversation": _conversation(),
        "phone": phone,
        "amount": int(amount) - (10 if has_fault(FaultMode.WRONG_AMOUNT) else 0),
        "callback": payload["ResultURL"],
        "timeout_callback": payload["QueueTimeOutURL"],
        "result": None,
        "receipt": None,
        "at": clock.now(),
    }
    store().put(NAME, _PAYOUTS, reference, payout)
    return _accepted(reference, "0", "Accept the service request successfully.")


@_operation("/mpesa/transactionstatus/v1/query", "payouts.query")
def query_payout() -> Response:
    """Report the status of a payout, by callback."""
    payload = request.get_json()
    if not _is_initiator(payload.get("Initiator"), payload):
        return _error(400, "400.002.02", "Bad Request - Invalid Initiator")
    reference = str(payload["OriginatorConversationID"])
    payout = store().get(NAME, _PAYOUTS, reference)
    if payout is None:
        _call_back(payload["ResultURL"], _result(reference, _NO_SUCH_PAYOUT, {}))
    else:
        statuses = {None: "Pending", 0: "Completed"}
        parameters = {
            "Amount": payout["amount"],
            "TransactionStatus": statuses.get(payout["result"], "Failed"),
            "ReceiptNo": payout["receipt"],
        }
        _call_back(payload["ResultURL"], _result(reference, 0, parameters))
    return _accepted(reference, "0", "Accept the service request successfully.")


@provider.control("POST", "/prompts/<identifier>/answer")
def answer_prompt(identifier: str) -> Response:
    """The phone's holder responds: {"result_code": 0 or an error code, "again"?: true where it
    responded before}."""
    prompt, payload = store().get(NAME, _PROMPTS, identifier), request.get_json()
    if prompt is None or (prompt["result"] is not None and not payload.get("again")):
        raise NotFound
    return _json(_finish_prompt(prompt, int(payload.get("result_code", 0))))


@provider.control("POST", "/payouts/<reference>/end")
def finish_payout(reference: str) -> Response:
    """A payout arrives or fails: {"result_code": 0 or an error code, "shown_amount"?: as the
    callback writes it, "again"?: true where it ended before}."""
    payout, payload = store().get(NAME, _PAYOUTS, reference), request.get_json()
    if payout is None or (payout["result"] is not None and not payload.get("again")):
        raise NotFound
    shown_amount = payload.get("shown_amount", payout["amount"])
    return _json(_finish(payout, int(payload.get("result_code", 0)), shown_amount))


@provider.control("POST", "/payouts/<reference>/timeout")
def time_out_payout(reference: str) -> Response:
    """A payout waited too long in Daraja's queue, and may still be made."""
    payout = store().get(NAME, _PAYOUTS, reference)
    if payout is None:
        raise NotFound
    _call_back(payout["timeout_callback"], _result(reference, _TIMED_OUT, {}))
    return _json(payout)


@provider.control("POST", "/payments")
def receive_payment() -> Response:
    """A payment arrives without a prompt: {"phone", "amount": shillings, "name"}."""
    payload = request.get_json()
    return _json(_add_payment(str(payload["phone"]), int(payload["amount"]), str(payload["name"])))


@provider.periodic_task
def settle_due() -> None:
    """Finish the prompts and payouts that are due, by the phone's number."""
    until = clock.now() - settlement_seconds()
    for prompt in store().find(NAME, _PROMPTS, result=None):
        if prompt["at"] <= until:
            _finish_prompt(prompt, _RESULT_CODES.get(prompt["phone"][-2:], 0))
    for payout in store().find(NAME, _PAYOUTS, result=None):
        if payout["at"] <= until:
            code = _UNREGISTERED if payout["phone"].endswith("01") else 0
            _finish(payout, code, payout["amount"])


def _finish_prompt(prompt: Document, code: int) -> Document:
    callback: Document = {
        "MerchantRequestID": prompt["merchant_id"],
        "CheckoutRequestID": prompt["id"],
        "ResultCode": code,
        "ResultDesc": _DESCRIPTIONS[code],
    }
    if code == 0:
        payment = _add_payment(prompt["phone"], prompt["amount"], prompt["name"])
        items = {
            "Amount": prompt["amount"],
            "MpesaReceiptNumber": payment["transactionId"],
            "PhoneNumber": int(prompt["phone"]),
        }
        callback["CallbackMetadata"] = {
            "Item": [{"Name": name, "Value": value} for name, value in items.items()]
        }
    _call_back(prompt["callback"], {"Body": {"stkCallback": callback}})
    return store().put(NAME, _PROMPTS, prompt["id"], {**prompt, "result": code})


def _add_payment(phone: str, amount: int, name: str) -> Document:
    payment = {
        "transactionId": _receipt(),
        "trxDate": clock.instant().astimezone(_EAT).isoformat(timespec="seconds"),
        "msisdn": phone,
        "sender": "MPESA",
        "transactiontype": "c2b-pay-bill-debit",
        "billreference": name,
        "amount": f"{amount}.0",
        "organizationname": "PBCEx",
    }
    stored = {"shown": payment, "at": clock.now()}
    store().put(NAME, _PAYMENTS, str(payment["transactionId"]), stored)
    return payment


def _finish(payout: Document, code: int, shown_amount: object) -> Document:
    receipt = _receipt() if code == 0 else None
    parameters = {"TransactionAmount": shown_amount, "TransactionReceipt": receipt}
    result = _result(payout["reference"], code, parameters if code == 0 else {}, receipt)
    _call_back(payout["callback"], result)
    changed = {**payout, "result": code, "receipt": receipt}
    return store().put(NAME, _PAYOUTS, payout["reference"], changed)


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


def _request_error(
    payload: Document | None, phone: str, amount: str, callback: object
) -> Response | None:
    """Return the error of an invalid request, or None. A prompt also needs the password."""
    if payload is not None and not _has_password(payload):
        return _error(500, "500.001.1001", "Wrong credentials")
    if not _PHONE.fullmatch(phone):
        return _error(400, "400.002.02", "Bad Request - Invalid PhoneNumber")
    if not amount.isdecimal() or not 1 <= int(amount) <= _SHILLINGS_MAX:
        return _error(400, "400.002.02", "Bad Request - Invalid Amount")
    if not isinstance(callback, str) or _FORBIDDEN.search(callback):
        return _error(400, "400.002.02", "Bad Request - Invalid CallBackURL")
    return None


def _has_password(payload: Document) -> bool:
    expected = b64encode(f"{SHORTCODE}{PASSKEY}{payload.get('Timestamp')}".encode()).decode()
    return payload.get("BusinessShortCode") == SHORTCODE and payload.get("Password") == expected


def _is_initiator(name: object, payload: Document) -> bool:
    return (name, payload.get("SecurityCredential")) == (INITIATOR, CREDENTIAL)


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
    return f"AG_{clock.text()[:10].replace('-', '')}_{secrets.token_hex(10)}"


def _receipt() -> str:
    return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(10))


def _timestamp(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_EAT).timestamp()


def _error(status: int, code: str, message: str) -> Response:
    payload = {"requestId": secrets.token_hex(8), "errorCode": code, "errorMessage": message}
    return _json(payload, status)


def _json(payload: Any, status: int = 200) -> Response:
    return Response(json.dumps(payload), status, content_type="application/json")
