"""Bearer tokens that a provider issues for a limited time."""

import secrets
import time

from flask import request

from sandbox.provider import store

#: The lifetime of a token, in seconds.
LIFETIME = 3600
_KIND = "token"


def issue_token(provider: str) -> str:
    """Return a new token of the provider."""
    token = secrets.token_urlsafe(24)
    store().put(provider, _KIND, token, {"token": token, "until": time.time() + LIFETIME})
    return token


def has_token(provider: str) -> bool:
    """Return whether the request has a valid token of the provider."""
    _, _, token = request.headers.get("Authorization", "").partition("Bearer ")
    stored = store().get(provider, _KIND, token)
    return stored is not None and bool(stored["until"] > time.time())
