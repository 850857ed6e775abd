"""The token of one rendered form: sent twice, the form has one effect.

It is signed for the person whom the form was shown to. The signature never lets a form act: it only
tells, when the form comes back after its session has ended, that the values in it are this
person's, who may see them again.
"""

import hmac
import secrets
from hashlib import sha256
from uuid import UUID

from flask import current_app, request

from app.blueprints.environ_keys import ACTOR
from app.kit.errors import MalformedRequest

TOKEN = "form_token"  # noqa: S105 - the name of a field
_LENGTH = 22


class FormTokenMissing(MalformedRequest):
    """The form carries no token, so it cannot be known whether it was sent before."""

    code = "form_token_missing"
    title = "This form is incomplete. Reload the page and send it again."


def new_token() -> str:
    """Return a token for one rendered form."""
    return secrets.token_urlsafe(16)


def new_signed_token() -> str:
    """Return a token for one form that the actor of the current request is shown."""
    token = new_token()
    return f"{token}.{_signature(token, request.environ[ACTOR].user_id)}"


def posted_token() -> str:
    """Return the token of the posted form, without its signature. Raises `FormTokenMissing`."""
    token, _, _signature = request.form.get(TOKEN, "").partition(".")
    if len(token) != _LENGTH:
        raise FormTokenMissing
    return token


def was_shown_to(user_id: UUID) -> bool:
    """Whether the posted form was shown to this person."""
    token, _, signature = request.form.get(TOKEN, "").partition(".")
    return hmac.compare_digest(signature.encode(), _signature(token, user_id).encode())


def _signature(token: str, user_id: UUID) -> str:
    key = current_app.secret_key
    assert isinstance(key, str), "the application has a secret key"
    return hmac.new(key.encode(), f"{TOKEN}:{user_id}:{token}".encode(), sha256).hexdigest()
