"""Refusals of requests because of their idempotency key."""

from app.kit.errors import Conflict, Invalid, MalformedRequest

HEADER = "Idempotency-Key"


class IdempotencyKeyRequired(MalformedRequest):
    """The operation moves or reserves value, and the request has no valid Idempotency-Key."""

    code = "idempotency_key_required"
    title = "An Idempotency-Key header is required"


class IdempotencyKeyReused(Invalid):
    """The key was used for another request before: with another method, path or body."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request"

    def __init__(self) -> None:
        super().__init__(
            HEADER, "This key was used for another request. Make a new key for each new request."
        )


class IdempotencyInProgress(Conflict):
    """The first request with this key is still running. Repeat the request to get its response."""

    code = "idempotency_in_progress"
    title = "A request with this Idempotency-Key is still running"
