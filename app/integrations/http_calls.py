"""How every provider is called: with a note of each attempt, in bounded time, a few times where a
repetition is known to the provider, and not at all while it keeps failing.

The breaker is this process's own: each finds out for itself that a provider is away, within a few
calls, and asks it again after a while.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pybreaker
import stamina
import structlog
from prometheus_client import Counter, Histogram

from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.ports import CallOutcome
from app.providers.service import CallLog

T = TypeVar("T")

ATTEMPTS_MAX = 3
_FAILURES_MAX = 5
_PAUSE = timedelta(seconds=20)
_CALLS = Counter("pbcex_provider_calls", "Calls to providers", ["provider", "operation", "outcome"])
_SECONDS = Histogram("pbcex_provider_call_seconds", "How long they took", ["provider", "operation"])
_log = structlog.get_logger()


class ProviderCaller:
    """Calls one provider."""

    def __init__(self, provider: str, calls: CallLog) -> None:
        self.provider = provider
        self._calls = calls
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=_FAILURES_MAX,
            reset_timeout=_PAUSE.total_seconds(),
            exclude=[ProviderRefused],
            throw_new_error_on_trip=False,
            name=provider,
        )

    def call(self, operation: str, send: Callable[[], T], *, reference: str, idempotent: bool) -> T:
        """What `do` answers. `reference` is our id of what this is about.

        `do` is tried again after `ProviderUnavailable` and, where the provider knows a repetition
        (`idempotent`, as reading is), after `ProviderOutcomeUnknown`; then the error is raised, as
        is `ProviderRefused` at once. `ProviderUnavailable` is raised only if no attempt may have
        done it. Whatever else `do` raises is a defect.
        """
        again = (ProviderUnavailable, ProviderOutcomeUnknown) if idempotent else ProviderUnavailable
        answer: T
        unknown: ProviderOutcomeUnknown | None = None
        try:
            for attempt in stamina.retry_context(
                on=again, attempts=ATTEMPTS_MAX, timeout=None, wait_initial=0.2, wait_max=2.0
            ):
                with attempt:
                    try:
                        answer = self._attempt(operation, send, reference, attempt.num)
                    except ProviderOutcomeUnknown as error:
                        unknown = error
                        raise
        except ProviderUnavailable:
            if unknown is not None:
                raise unknown from None
            raise
        return answer

    def _attempt(self, operation: str, do: Callable[[], T], reference: str, number: int) -> T:
        noted = self._calls.record_start(
            self.provider, operation, reference=reference, attempt=number
        )
        outcome, code = CallOutcome.UNKNOWN, "defect"
        try:
            with _SECONDS.labels(self.provider, operation).time():
                answer: T = self._breaker.call(do)
        except pybreaker.CircuitBreakerError as error:
            outcome, code = CallOutcome.UNAVAILABLE, "breaker_open"
            raise ProviderUnavailable(
                f"{self.provider} failed too often and is left alone"
            ) from error
        except ProviderRefused as error:
            outcome, code = CallOutcome.REFUSED, error.code
            raise
        except ProviderUnavailable:
            outcome, code = CallOutcome.UNAVAILABLE, "away"
            raise
        except ProviderOutcomeUnknown:
            outcome, code = CallOutcome.UNKNOWN, "unknown"
            raise
        else:
            outcome, code = CallOutcome.ANSWERED, ""
            return answer
        finally:
            _CALLS.labels(self.provider, operation, outcome).inc()
            _log.info(
                "called a provider", provider=self.provider, operation=operation,
                reference=reference, outcome=outcome, code=code,
            )  # fmt: skip
            self._calls.record_end(noted, outcome, code or None)
