"""Calls to providers: recorded, bounded in time, retried where safe, behind a circuit breaker.

Each process has its own breaker: it learns from a few failed calls that a provider is down and
tries again after a pause. Content that cannot be read is no failure of the provider: it answered.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pybreaker
import stamina
import structlog
from prometheus_client import Counter, Histogram

from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    ResponseUnreadable,
)
from app.providers.ports import UNREADABLE, CallOutcome
from app.providers.service import CallLog

T = TypeVar("T")

ATTEMPTS_MAX = 3
_FAILURES_MAX = 5
_PAUSE = timedelta(seconds=20)
_CALLS = Counter("pbcex_provider_calls", "Calls to providers", ["provider", "operation", "outcome"])
_SECONDS = Histogram(
    "pbcex_provider_call_seconds", "Duration of calls to providers", ["provider", "operation"]
)
_log = structlog.get_logger()


class ProviderCaller:
    """Calls one provider."""

    def __init__(self, provider: str, calls: CallLog) -> None:
        self.provider = provider
        self._calls = calls
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=_FAILURES_MAX,
            reset_timeout=_PAUSE.total_seconds(),
            exclude=[ProviderRefused, ResponseUnreadable],
            throw_new_error_on_trip=False,
            name=provider,
        )

    def call(
        self,
        operation: str,
        send: Callable[[], T],
        *,
        reference: str,
        idempotent: bool,
        terms: str = "",
    ) -> T:
        """Return the result of `send`. `reference` is our ID of what the call is about; `terms`
        are recorded before it, for a provider whose answers do not repeat what was agreed.

        `send` is repeated after `ProviderUnavailable` and, where the provider recognises a
        repetition (`idempotent`, as every read is), after `ProviderOutcomeUnknown`. The error of
        the last attempt is raised then; `ProviderRefused` is raised at once. `ProviderUnavailable`
        is raised only if no attempt can have had an effect. Any other exception of `send` is a
        defect.
        """
        retried_errors = (
            (ProviderUnavailable, ProviderOutcomeUnknown) if idempotent else ProviderUnavailable
        )
        result: T
        unknown_outcome: ProviderOutcomeUnknown | None = None
        try:
            for attempt in stamina.retry_context(
                on=retried_errors,
                attempts=ATTEMPTS_MAX,
                timeout=None,
                wait_initial=0.2,
                wait_max=2.0,
            ):
                with attempt:
                    try:
                        result = self._attempt(operation, send, reference, attempt.num, terms)
                    except ProviderOutcomeUnknown as error:
                        unknown_outcome = error
                        raise
        except ProviderUnavailable:
            if unknown_outcome is not None:
                raise unknown_outcome from None
            raise
        return result

    def _attempt(
        self, operation: str, send: Callable[[], T], reference: str, attempt: int, terms: str
    ) -> T:
        call_id = self._calls.record_start(
            self.provider, operation, reference=reference, attempt=attempt, terms=terms
        )
        outcome, code = CallOutcome.UNKNOWN, "defect"
        try:
            # Not `_breaker.call`: it holds a lock, so that calls would wait for each other.
            with _SECONDS.labels(self.provider, operation).time(), self._breaker.calling():
                result = send()
        except pybreaker.CircuitBreakerError as error:
            outcome, code = CallOutcome.UNAVAILABLE, "breaker_open"
            raise ProviderUnavailable(
                f"{self.provider} failed too often and is not called for now."
            ) from error
        except ProviderRefused as error:
            outcome, code = CallOutcome.REFUSED, error.code
            raise
        except ProviderUnavailable:
            outcome, code = CallOutcome.UNAVAILABLE, "away"
            raise
        except ResponseUnreadable:
            outcome, code = CallOutcome.UNKNOWN, UNREADABLE
            raise
        except ProviderOutcomeUnknown:
            outcome, code = CallOutcome.UNKNOWN, "unknown"
            raise
        else:
            outcome, code = CallOutcome.ANSWERED, ""
            return result
        finally:
            _CALLS.labels(self.provider, operation, outcome).inc()
            _log.info(
                "called a provider", provider=self.provider, operation=operation,
                reference=reference, outcome=outcome, code=code,
            )  # fmt: skip
            self._calls.record_end(call_id, outcome, code or None)
