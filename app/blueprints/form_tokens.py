"""The token of one rendered form: sent twice, the form has one effect.

It is signed for the person whom the form was shown to. The signature never lets a form act: it only
tells, when the form comes back after its session has ended, that the values in it are this
person's, who may see them again.
"""

import hmac
import json
import secrets
from hashlib import sha256
from typing import Any
from uuid import UUID

from flask import current_app, request

from app.access import Actor
from app.blueprints.environ_keys import ACTOR
from app.idempotency import service as idempotency
from app.idempotency.errors import IdempotencyKeyReused
from app.idempotency.service import IdempotentRequest, StoredResponse
from app.kit.db import Session
from app.kit.errors import Conflict, MalformedRequest

TOKEN = "form_token"  # noqa: S105 - the name of a field of forms, no secret
_LENGTH = 22


class FormTokenMissing(MalformedRequest):
    """The form carries no token, so it cannot be known whether it was sent before."""

    code = "form_token_missing"
    title = "This form is incomplete. Reload the page and send it again."


class FormSentBefore(Conflict):
    """The form was sent before, with other values."""

    code = "form_sent_before"
    title = "This form was sent before, with other values. Check the page, then send it again."


def new_token() -> str:
    """Return a token for one rendered form."""
    return secrets.token_urlsafe(16)


def new_signed_token() -> str:
    """Return a token for one form that the actor of the current request is shown; empty before
    sign-in."""
    actor: Actor | None = request.environ.get(ACTOR)
    token = new_token()
    return f"{token}.{_signature(token, actor.user_id)}" if actor is not None else ""


def claim_token(session: Session, actor: Actor) -> tuple[IdempotentRequest, Any]:
    """Claim the token of the posted form for this transaction.

    Returns the claim, and what `store_effect` stored if the form was sent before, else None. Raises
    `FormTokenMissing`, and `FormSentBefore` if it was sent with other values.
    """
    token, _, _signature = request.form.get(TOKEN, "").partition(".")
    if len(token) != _LENGTH:
        raise FormTokenMissing
    sent = {name: request.form.getlist(name) for name in sorted(request.form)}
    sent.pop("csrf_token", None)
    # Keyed, because a form may hold a password.
    fingerprint = hmac.digest(_key(), json.dumps([request.path, sent]).encode(), sha256)
    claim = IdempotentRequest(actor.user_id, f"form:{token}", fingerprint)
    _rows, stored = idempotency.claim_key(session, claim, ("SELECT 1", None))
    try:
        response = idempotency.read_stored_response(claim, stored)
    except IdempotencyKeyReused:
        raise FormSentBefore from None
    return claim, None if response is None else json.loads(response.body)


def store_effect(session: Session, claim: IdempotentRequest, effect: object) -> None:
    """Store the effect of a form, as JSON, in the transaction of its act."""
    # The table holds successes, whatever response tells of them.
    content = json.dumps(effect).encode()
    idempotency.store_response(session, claim, StoredResponse(200, "application/json", content))


def was_shown_to(user_id: UUID) -> bool:
    """Whether the posted form was shown to this person."""
    token, _, signature = request.form.get(TOKEN, "").partition(".")
    return hmac.compare_digest(signature.encode(), _signature(token, user_id).encode())


def _signature(token: str, user_id: UUID) -> str:
    return hmac.digest(_key(), f"{TOKEN}:{user_id}:{token}".encode(), sha256).hex()


def _key() -> bytes:
    key = current_app.secret_key
    assert isinstance(key, str), "the application has a secret key"
    return key.encode()
