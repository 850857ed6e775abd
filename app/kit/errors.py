"""Refusals: what the domain says when it will not do a thing.

A capability subclasses the kind that fits and gives it a stable `code`. The edge turns the kind
into a status (blueprints/errors.py); nothing below the edge knows HTTP.
"""

from typing import ClassVar


class Refusal(Exception):
    """Something was asked that will not be done, and nothing was changed.

    `detail` is for a person: it says what was wrong and what would be right.
    """

    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.title
        super().__init__(self.detail)


class Unauthenticated(Refusal):
    """Nobody is known to be asking."""

    code = "token_invalid"
    title = "Sign in first"


class PermissionDenied(Refusal):
    """The person is known and may not do this."""

    code = "permission_denied"
    title = "You may not do this"


class NotFound(Refusal):
    """There is no such thing, or it is someone else's: the two look the same on purpose."""

    code = "not_found"
    title = "There is no such thing here"


class Conflict(Refusal):
    """Well-formed and permitted, but not possible in the present state."""

    code = "conflict"
    title = "Not possible in the present state"


class MalformedRequest(Refusal):
    """The request could not be read at all."""

    code = "malformed_json"
    title = "The request could not be read"


class Invalid(Refusal):
    """A value is wrong: names the field and says what would be right."""

    code = "validation_failed"
    title = "A value is not valid"

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(f"{field}: {message}")
        self.message = message


class RateLimited(Refusal):
    """Too much too soon. `retry_after_seconds` says when to come back."""

    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(detail)


class FeatureDisabled(Refusal):
    """The feature is switched off here."""

    code = "feature_disabled"
    title = "This feature is switched off"


class Unavailable(Refusal):
    """A dependency is down. Whether anything happened may be unknown: replaying the same
    idempotency key resolves it."""

    code = "unavailable"
    title = "Temporarily unavailable"
    retry_after_seconds: int = 1


class NotFinished(Exception):
    """A task could not be done for a foreseen reason that may pass. The message says which, and
    quotes nothing of anybody's: it is kept with the job, where other errors leave their type."""
