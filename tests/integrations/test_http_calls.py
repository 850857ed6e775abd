"""Calls to providers are recorded, retried where safe, and stopped while a provider keeps
failing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
import stamina

from app.integrations.http_calls import ATTEMPTS_MAX, ProviderCaller
from app.kit.db import Database
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    ResponseUnreadable,
)
from app.providers.service import CallLog


@pytest.fixture(autouse=True)
def retry_without_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=ATTEMPTS_MAX, cap=True)
    yield
    stamina.set_testing(False)


class ScriptedProvider:
    """A caller, and a provider with scripted outcomes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.caller = ProviderCaller("probe", CallLog(database))
        self.reference = f"ref_{uuid4().hex}"

    def call(self, *outcomes: Exception | str, idempotent: bool = False) -> str:
        remaining = list(outcomes)

        def send() -> str:
            outcome = remaining.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return self.caller.call(
            "things.create", send, reference=self.reference, idempotent=idempotent
        )

    def recorded_calls(self) -> list[tuple[object, ...]]:
        with self.database.reading() as session:
            return session.rows(
                "SELECT attempt, outcome, code, ended_at IS NOT NULL FROM provider_calls"
                " WHERE reference = %s ORDER BY id",
                (self.reference,),
            )


@pytest.fixture
def provider(database: Database) -> ScriptedProvider:
    return ScriptedProvider(database)


def test_call_is_recorded(provider: ScriptedProvider) -> None:
    assert provider.call("done") == "done"
    assert provider.recorded_calls() == [(1, "answered", None, True)]


def test_refusal_is_not_retried(provider: ScriptedProvider) -> None:
    with pytest.raises(ProviderRefused):
        provider.call(ProviderRefused("card_declined"), "never", idempotent=True)
    assert provider.recorded_calls() == [(1, "refused", "card_declined", True)]


def test_unavailable_provider_is_retried(provider: ScriptedProvider) -> None:
    assert provider.call(ProviderUnavailable("x"), ProviderUnavailable("x"), "done") == "done"
    assert [row[:2] for row in provider.recorded_calls()] == [
        (1, "away"),
        (2, "away"),
        (3, "answered"),
    ]


def test_unknown_outcome_is_not_retried(provider: ScriptedProvider) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        provider.call(ProviderOutcomeUnknown("x"), "never")
    assert [row[:2] for row in provider.recorded_calls()] == [(1, "unknown")]


def test_unknown_outcome_of_idempotent_call_is_retried(provider: ScriptedProvider) -> None:
    assert provider.call(ProviderOutcomeUnknown("x"), "done", idempotent=True) == "done"
    with pytest.raises(ProviderOutcomeUnknown):
        provider.call(*[ProviderOutcomeUnknown("x")] * ATTEMPTS_MAX, idempotent=True)


def test_unknown_outcome_is_raised_even_if_later_attempts_were_unavailable(
    provider: ScriptedProvider,
) -> None:
    with pytest.raises(ProviderOutcomeUnknown, match="first"):
        provider.call(
            ProviderOutcomeUnknown("first"),
            ProviderUnavailable("x"),
            ProviderUnavailable("x"),
            idempotent=True,
        )
    assert [row[:2] for row in provider.recorded_calls()] == [
        (1, "unknown"),
        (2, "away"),
        (3, "away"),
    ]


def test_defect_is_recorded_as_unknown(provider: ScriptedProvider) -> None:
    with pytest.raises(ZeroDivisionError):
        provider.call(ZeroDivisionError(), idempotent=True)
    assert provider.recorded_calls() == [(1, "unknown", "defect", True)]


def test_breaker_opens_after_five_failures(provider: ScriptedProvider) -> None:
    for _ in range(5):
        with pytest.raises(ProviderOutcomeUnknown):
            provider.call(ProviderOutcomeUnknown("x"))
    with pytest.raises(ProviderUnavailable, match="not called for now"):
        provider.call("never")
    assert [row[1] for row in provider.recorded_calls()].count("unknown") == 5


@pytest.mark.parametrize("answer", [ProviderRefused("no"), ResponseUnreadable("odd")])
def test_answers_do_not_open_the_breaker(provider: ScriptedProvider, answer: Exception) -> None:
    for _ in range(8):
        with pytest.raises(type(answer)):
            provider.call(answer)
    assert provider.call("done") == "done"


def test_calls_to_one_provider_do_not_wait_for_each_other(provider: ScriptedProvider) -> None:
    both_are_in_flight = Barrier(2)

    def call() -> int:
        return provider.caller.call(
            "things.list", lambda: both_are_in_flight.wait(5), reference="x", idempotent=True
        )

    with ThreadPoolExecutor() as threads:
        assert {future.result() for future in [threads.submit(call) for _ in range(2)]} == {0, 1}


def test_breaker_lets_a_call_through_after_its_pause(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.integrations.http_calls._PAUSE", timedelta(0))
    provider.caller = ProviderCaller("probe", CallLog(provider.database))
    for _ in range(6):
        with pytest.raises(ProviderOutcomeUnknown):
            provider.call(ProviderOutcomeUnknown("x"))
    assert provider.call("done") == "done"
    assert provider.call("done") == "done"
