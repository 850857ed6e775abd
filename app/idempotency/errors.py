"""Why a request with an idempotency key was refused."""

from app.kit.errors import Conflict, Invalid, MalformedRequest

HEADER = "Idempotency-Key"


class IdempotencyKeyRequired(MalformedRequest):
    """The operation moves or reserves value, and the request has no usable Idempotency-Key."""

    code = "idempotency_key_required"
    title = "An Idempotency-Key header is required"


class IdempotencyKeyReused(Invalid):
    """The key already stands for another request: other method, path or body."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request"

    def __init__(self) -> None:
        super().__init__(
            HEADER, "This key was used for another request. Make a new key for each new request."
        )


class IdempotencyInProgress(Conflict):
    """The first request with this key is still running. Ask again to get its answer."""

    code = "idempotency_in_progress"
    title = "A request with this Idempotency-Key is still running"
