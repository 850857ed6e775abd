"""SendGrid v3, as far as we use it: accept an email, and report its delivery by signed events.

Assumed, from public material: 202 without a body and with X-Message-Id; events are signed with
ECDSA P-256 over the time and the raw body. The delivery depends on the email address: one that
begins with `bounce` does not exist, `blocked` is rejected by its server, `dropped` is on SendGrid's
suppression list; every other one receives the email.
"""

import base64
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Response, request

from sandbox import clock
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key
from sandbox.provider import SandboxProvider, has_fault, store, webhook_queue
from sandbox.webhooks import Headers

NAME = "sendgrid"
KEY = sandbox_key("sendgrid key")
#: The key that signs events: a number of the curve, as are nearly all below 2^255.
_SECRET = int(sandbox_key("sendgrid webhook"), 16) >> 1
_MAILS = "mails"
_EVENTS: dict[str, dict[str, str]] = {
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
    """Return the signature over the time and the body; the URL does not matter."""
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
    """Accept an email to one person, and report its delivery soon."""
    if request.headers.get("Authorization") != f"Bearer {KEY}":
        return _error(401, "The provided authorization grant is invalid, expired, or revoked")
    if has_fault(FaultMode.REFUSED):
        return _error(400, "The from address does not match a verified Sender Identity", "from")
    payload: dict[str, Any] = request.get_json()
    for field in ("personalizations", "from", "subject", "content"):
        if not payload.get(field):
            return _error(400, f"The {field} parameter is required", field)
    envelope = payload["personalizations"][0]
    message_id = f"{secrets.token_urlsafe(16)}.recvd-sandbox-1"
    email = {
        "id": message_id,
        "to": envelope["to"][0]["email"],
        "from": payload["from"],
        "reply_to": payload.get("reply_to"),
        "subject": envelope.get("subject") or payload["subject"],
        "content": {part["type"]: part["value"] for part in payload["content"]},
        "attachments": [
            {
                "name": file["filename"],
                "type": file["type"],
                "bytes": len(base64.b64decode(file["content"])),
            }
            for file in payload.get("attachments", ())
        ],
        "headers": {**payload.get("headers", {}), **envelope.get("headers", {})},
        "custom_args": {**payload.get("custom_args", {}), **envelope.get("custom_args", {})},
        "taken_at": clock.now(),
    }
    store().put(NAME, _MAILS, message_id, email)
    _deliver(email)
    return Response(status=202, headers={"X-Message-Id": message_id.partition(".")[0]})


def _deliver(email: dict[str, Any]) -> None:
    final_event = _EVENTS.get(email["to"].partition("-")[0].partition("@")[0], _DELIVERED)
    processed_events: list[dict[str, str]] = (
        [] if final_event.get("event") == "dropped" else [{"event": "processed"}]
    )
    events = [
        {
            "email": email["to"],
            "timestamp": int(clock.now()),
            "sg_event_id": secrets.token_urlsafe(16),
            "sg_message_id": email["id"],
            **email["custom_args"],
            **event,
        }
        for event in (*processed_events, final_event)
    ]
    webhook_queue().send(NAME, json.dumps(events))


def _error(status: int, message: str, field: str | None = None) -> Response:
    payload = {"errors": [{"message": message, "field": field, "help": None}]}
    return Response(json.dumps(payload), status, content_type="application/json")
