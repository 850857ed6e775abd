"""Bearer tokens that a provider issues for a limited time."""

import secrets

from flask import request

from sandbox import clock
from sandbox.provider import store
from sandbox.store import Document

#: The lifetime of a token, in seconds.
LIFETIME = 3600
_KIND = "token"


def issue_token(provider: str, *, scopes: str = "") -> str:
    """Return a new token of the provider, with these scopes."""
    token = secrets.token_urlsafe(24)
    document = {"token": token, "until": clock.now() + LIFETIME, "scopes": scopes.split()}
    store().put(provider, _KIND, token, document)
    return token


def has_scope(provider: str, scope: str) -> bool:
    """Return whether the token of the request has a scope."""
    stored = _stored_token(provider)
    return stored is not None and scope in stored["scopes"]


def has_token(provider: str) -> bool:
    """Return whether the request has a valid token of the provider."""
    stored = _stored_token(provider)
    return stored is not None and bool(stored["until"] > clock.now())


def _stored_token(provider: str) -> Document | None:
    _, _, token = request.headers.get("Authorization", "").partition("Bearer ")
    return store().get(provider, _KIND, token)
