"""SendGrid v3, as far as we use it: take a mail, and tell by signed events what became of it.

Assumed, from public material: 202 without a body and with X-Message-Id; events are signed with
ECDSA P-256 over the time and the raw body. What becomes of a mail is said by its address: one that
begins with `bounce` does not exist, one with `blocked` is not let in, one with `dropped` is on
SendGrid's own list; every other one gets it.
"""

import base64
import json
import secrets
import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Response, request

from app.config.providers import sandbox_secret
from sandbox.faults import FaultMode
from sandbox.provider import SandboxProvider, has_fault, store, webhook_queue
from sandbox.webhooks import Headers

NAME = "sendgrid"
KEY = sandbox_secret("sendgrid key")
#: With which events are signed: a number of the curve, as are nearly all below 2^255.
_SECRET = int(sandbox_secret("sendgrid webhook"), 16) >> 1
_MAILS = "mails"
_FATES: dict[str, dict[str, str]] = {
    "bounce": {
        "event": "bounce",
        "type": "bounce",
        "status": "5.1.1",
        "reason": "550 No user",
    },
    "blocked": {
        "event": "bounce",
        "type": "blocked",
        "status": "5.7.1",
        "reason": "550 Refused",
    },
    "dropped": {"event": "dropped", "reason": "Bounced Address"},
}
_DELIVERED = {"event": "delivered", "response": "250 OK"}


def sign(url: str, body: bytes, *, at: float, forged: bool) -> Headers:
    """The signature over the time and the body; the address does not matter."""
    del url
    timestamp = str(int(at))
    key = ec.derive_private_key(_SECRET + int(forged), ec.SECP256R1())
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }


provider = SandboxProvider(NAME, "SendGrid", sign=sign)


@provider.operation("POST", "/v3/mail/send", "mail.send")
def send_email() -> Response:
    """Take a mail to one person, and say soon what became of it."""
    if request.headers.get("Authorization") != f"Bearer {KEY}":
        return _error(401, "The provided authorization grant is invalid, expired, or revoked")
    if has_fault(FaultMode.REFUSED):
        return _error(400, "The from address does not match a verified Sender Identity", "from")
    told: dict[str, Any] = request.get_json()
    for field in ("personalizations", "from", "subject", "content"):
        if not told.get(field):
            return _error(400, f"The {field} parameter is required", field)
    envelope = told["personalizations"][0]
    message = f"{secrets.token_urlsafe(16)}.recvd-sandbox-1"
    mail = {
        "id": message,
        "to": envelope["to"][0]["email"],
        "from": told["from"],
        "subject": envelope.get("subject") or told["subject"],
        "content": {each["type"]: each["value"] for each in told["content"]},
        "headers": {**told.get("headers", {}), **envelope.get("headers", {})},
        "custom_args": {**told.get("custom_args", {}), **envelope.get("custom_args", {})},
        "taken_at": time.time(),
    }
    store().put(NAME, _MAILS, message, mail)
    _carry(mail)
    return Response(status=202, headers={"X-Message-Id": message.partition(".")[0]})


def _carry(mail: dict[str, Any]) -> None:
    fate = _FATES.get(mail["to"].partition("-")[0].partition("@")[0], _DELIVERED)
    first: list[dict[str, str]] = [] if fate.get("event") == "dropped" else [{"event": "processed"}]
    events = [
        {
            "email": mail["to"],
            "timestamp": int(time.time()),
            "sg_event_id": secrets.token_urlsafe(16),
            "sg_message_id": mail["id"],
            **mail["custom_args"],
            **step,
        }
        for step in (*first, fate)
    ]
    webhook_queue().send(NAME, json.dumps(events))


def _error(status: int, message: str, field: str | None = None) -> Response:
    told = {"errors": [{"message": message, "field": field, "help": None}]}
    return Response(json.dumps(told), status, content_type="application/json")
