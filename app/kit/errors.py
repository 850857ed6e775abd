"""Refusals: the errors that the domain raises on purpose.

A room subclasses the kind that fits and gives it a stable `code`. The edge maps the kind to an HTTP
status (blueprints/errors.py); nothing below the edge knows HTTP.
"""

from typing import ClassVar, Self

from app.kit.formatting import format_wait


class Refusal(Exception):
    """The request was refused and nothing was changed, except for what it keeps.

    `detail` is for people: it says what happened and what to do.
    """

    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "This request was refused."
    #: Which of several reasons it is, for programs, where one code has several.
    reason_code: str = ""
    #: The field whose value is refused, if it is one: a form shows the refusal there.
    field: str = ""
    #: Whether the transaction that this refusal ends commits what was written so far.
    keeps_records: bool = False

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.title
        super().__init__(self.detail)

    def keeping_records(self) -> Self:
        """Return the refusal, declared to keep what its transaction has written: the records of why
        it refuses, such as a screening. Only for a verb that has changed nothing else."""
        self.keeps_records = True
        return self


class Unauthenticated(Refusal):
    """The caller is not signed in."""

    code = "token_invalid"
    title = "Sign in first."


class PermissionDenied(Refusal):
    """The caller is signed in and lacks the permission."""

    code = "permission_denied"
    title = "You do not have access."


class NotFound(Refusal):
    """It does not exist, or belongs to another person: the two look the same on purpose."""

    code = "not_found"
    title = "Not found."


class Conflict(Refusal):
    """Well-formed and permitted, but not possible in the current state."""

    code = "conflict"
    title = "This is not possible in the current state."


class MalformedRequest(Refusal):
    """The request could not be parsed."""

    code = "malformed_json"
    title = "The request could not be read. Check its format."


class Invalid(Refusal):
    """A field's value is not valid. `message` is a sentence that says what to enter."""

    code = "validation_failed"
    title = "A value is not valid."

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(f"{field}: {message}")
        self.message = message


class RateLimited(Refusal):
    """Too many requests. The detail says when to try again."""

    code = "rate_limited"
    title = "Too many requests. Try again later."

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{detail} Try again in {format_wait(retry_after_seconds)}.")


class FeatureDisabled(Refusal):
    """The feature is switched off."""

    code = "feature_disabled"
    title = "This feature is switched off."


class Unavailable(Refusal):
    """A dependency is down. Whether the change was stored may be unknown: repeating the request
    with the same idempotency key resolves it."""

    code = "unavailable"
    title = "Temporarily unavailable. Try again in a moment."
    retry_after_seconds: int = 1


class NotFinished(Exception):
    """A task could not be finished for a foreseen, temporary reason. The message names the reason
    and no personal data: it is stored with the job, where other errors store their type only."""
