"""Twilio Messages, as far as we use it: send, list, fetch, and signed status callbacks.

Assumed, from public material: the callback is signed with HMAC-SHA1 over the URL and the sorted
parameters; an invalid number is error 21211, a number that opted out 21610. The delivery depends on
the last digits of the number: …0001 is unknown and …0003 cannot be reached, as with Twilio's own
magic numbers; every other phone receives the message.
"""

import base64
import hmac
import json
import re
import secrets
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Response, request

from sandbox import clock
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key
from sandbox.provider import SandboxProvider, has_fault, store, webhook_queue
from sandbox.webhooks import Headers

NAME = "twilio"
SID = f"AC{sandbox_key('twilio account')[:32]}"
TOKEN = sandbox_key("twilio token")[:32]
_MESSAGES = "messages"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_BODY_MAX = 1600
_PART, _PAGE_MAX = 160, 1000
#: By the end of the number: the final status of a message to it, and the error.
_FINAL_STATUSES = {"0001": ("undelivered", 30005), "0003": ("undelivered", 30003)}


def sign(url: str, body: bytes, *, at: float, forged: bool) -> Headers:
    """Return the signature of a callback. It does not expire: `at` does not matter."""
    del at
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    text = url + "".join(f"{name}{value}" for name, value in sorted(pairs))
    token = "not the token" if forged else TOKEN
    mac = hmac.new(token.encode(), text.encode(), "sha1")
    return {"X-Twilio-Signature": base64.b64encode(mac.digest()).decode()}


provider = SandboxProvider(NAME, "Twilio", sign=sign)


@provider.operation("POST", "/2010-04-01/Accounts/<sid>/Messages.json", "messages.create")
def create_message(sid: str) -> Response:
    """Accept a message, and report its delivery soon."""
    if (error := _authentication_error(sid)) is not None:
        return error
    form = request.form
    to, body = form.get("To", ""), form.get("Body", "")
    if has_fault(FaultMode.REFUSED):
        return _error(400, 21610, "Attempt to send to unsubscribed recipient")
    if not _E164.fullmatch(to):
        return _error(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if not body or len(body) > _BODY_MAX:
        return _error(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    if not form.get("From") and not form.get("MessagingServiceSid"):
        return _error(400, 21603, "A 'From' phone number is required")
    now, identifier = clock.now(), f"SM{secrets.token_hex(16)}"
    message = {
        "sid": identifier,
        "account_sid": SID,
        "to": to,
        "from": form.get("From"),
        "messaging_service_sid": form.get("MessagingServiceSid"),
        "body": body,
        "num_segments": str(-(-len(body) // _PART)),
        "status": "queued",
        "error_code": None,
        "error_message": None,
        "direction": "outbound-api",
        "date_created": formatdate(now, localtime=False),
        "date_updated": formatdate(now, localtime=False),
        "date_sent": None,
        "callback": form.get("StatusCallback", ""),
    }
    store().put(NAME, _MESSAGES, identifier, message)
    response = _json(_rendered(message), 201)
    _deliver(message)
    return response


@provider.operation("GET", "/2010-04-01/Accounts/<sid>/Messages.json", "messages.list")
def list_messages(sid: str) -> Response:
    """List messages, newest first; only those to one number, if given."""
    if (error := _authentication_error(sid)) is not None:
        return error
    fields = {"to": request.args["To"]} if "To" in request.args else {}
    size = min(int(request.args.get("PageSize", 50)), _PAGE_MAX)
    messages = store().find(NAME, _MESSAGES, **fields)[::-1]
    page = [_rendered(message) for message in messages[:size]]
    return _json({"messages": page, "page": 0, "page_size": size, "next_page_uri": None})


@provider.operation("GET", "/2010-04-01/Accounts/<sid>/Messages/<message>.json", "messages.fetch")
def get_message(sid: str, message: str) -> Response:
    """Return one message."""
    if (error := _authentication_error(sid)) is not None:
        return error
    stored = store().get(NAME, _MESSAGES, message)
    if stored is None:
        return _error(404, 20404, "The requested resource was not found")
    return _json(_rendered(stored))


def _deliver(message: dict[str, Any]) -> None:
    """Deliver the message and report each status to its callback URL."""
    status, error_code = _FINAL_STATUSES.get(message["to"][-4:], ("delivered", None))
    for current_status in ("sent", status):
        message |= {"status": current_status, "date_sent": formatdate(clock.now(), localtime=False)}
        if current_status == status:
            message["error_code"] = error_code
        if message["callback"]:
            parameters = {
                "MessageSid": message["sid"],
                "SmsSid": message["sid"],
                "AccountSid": SID,
                "MessageStatus": current_status,
                "SmsStatus": current_status,
                "To": message["to"],
                "From": message["from"] or "",
                "ApiVersion": "2010-04-01",
                **(
                    {"ErrorCode": str(error_code)}
                    if current_status == status and error_code
                    else {}
                ),
            }
            url = urlsplit(message["callback"])
            webhook_queue().send(
                NAME,
                urlencode(parameters),
                content_type="application/x-www-form-urlencoded",
                path=url.path + (f"?{url.query}" if url.query else ""),
            )
    store().put(NAME, _MESSAGES, message["sid"], message)


def _rendered(message: dict[str, Any]) -> dict[str, Any]:
    uri = f"/2010-04-01/Accounts/{SID}/Messages/{message['sid']}.json"
    fields = {name: value for name, value in message.items() if name != "callback"}
    return {**fields, "api_version": "2010-04-01", "uri": uri, "price": None, "price_unit": "USD"}


def _authentication_error(sid: str) -> Response | None:
    credentials = request.authorization
    if credentials is None or (credentials.username, credentials.password, sid) != (
        SID,
        TOKEN,
        SID,
    ):
        return _error(401, 20003, "Authenticate")
    return None


def _error(status: int, code: int, message: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return _json({"code": code, "message": message, "more_info": more, "status": status}, status)


def _json(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
