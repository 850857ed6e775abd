"""Each call is noted; what may be repeated is; a provider that keeps failing is left alone."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import stamina

from app.integrations.http_calls import ATTEMPTS_MAX, ProviderCaller
from app.kit.db import Database
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.service import CallLog


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    stamina.set_testing(True, attempts=ATTEMPTS_MAX, cap=True)
    yield
    stamina.set_testing(False)


class Desk:
    """A caller, and a provider that fails in a given order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.caller = ProviderCaller("probe", CallLog(database))
        self.reference = f"ref_{uuid4().hex}"

    def call(self, *outcomes: Exception | str, idempotent: bool = False) -> str:
        left = list(outcomes)

        def do() -> str:
            outcome = left.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return self.caller.call(
            "things.create", do, reference=self.reference, idempotent=idempotent
        )

    def noted(self) -> list[tuple[object, ...]]:
        with self._database.reading() as session:
            return session.rows(
                "SELECT attempt, outcome, code, ended_at IS NOT NULL FROM provider_calls"
                " WHERE reference = %s ORDER BY id",
                (self.reference,),
            )


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_a_call_is_noted(desk: Desk) -> None:
    assert desk.call("done") == "done"
    assert desk.noted() == [(1, "answered", None, True)]


def test_a_refusal_is_final(desk: Desk) -> None:
    with pytest.raises(ProviderRefused):
        desk.call(ProviderRefused("card_declined"), "never", idempotent=True)
    assert desk.noted() == [(1, "refused", "card_declined", True)]


def test_what_did_not_happen_is_tried_again(desk: Desk) -> None:
    assert desk.call(ProviderUnavailable("x"), ProviderUnavailable("x"), "done") == "done"
    assert [row[:2] for row in desk.noted()] == [(1, "away"), (2, "away"), (3, "answered")]


def test_what_may_have_happened_is_not(desk: Desk) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        desk.call(ProviderOutcomeUnknown("x"), "never")
    assert [row[:2] for row in desk.noted()] == [(1, "unknown")]


def test_unless_the_provider_knows_a_repetition(desk: Desk) -> None:
    assert desk.call(ProviderOutcomeUnknown("x"), "done", idempotent=True) == "done"
    with pytest.raises(ProviderOutcomeUnknown):
        desk.call(*[ProviderOutcomeUnknown("x")] * ATTEMPTS_MAX, idempotent=True)


def test_what_an_attempt_may_have_done_stays_unknown(desk: Desk) -> None:
    with pytest.raises(ProviderOutcomeUnknown, match="first"):
        desk.call(
            ProviderOutcomeUnknown("first"),
            ProviderUnavailable("x"),
            ProviderUnavailable("x"),
            idempotent=True,
        )
    assert [row[:2] for row in desk.noted()] == [(1, "unknown"), (2, "away"), (3, "away")]


def test_a_defect_is_noted_as_unknown(desk: Desk) -> None:
    with pytest.raises(ZeroDivisionError):
        desk.call(ZeroDivisionError(), idempotent=True)
    assert desk.noted() == [(1, "unknown", "defect", True)]


def test_after_five_failures_it_is_left_alone(desk: Desk) -> None:
    for _ in range(5):
        with pytest.raises(ProviderOutcomeUnknown):
            desk.call(ProviderOutcomeUnknown("x"))
    with pytest.raises(ProviderUnavailable, match="not called for now"):
        desk.call("never")
    assert [row[1] for row in desk.noted()].count("unknown") == 5


def test_refusals_do_not_open_the_breaker(desk: Desk) -> None:
    for _ in range(8):
        with pytest.raises(ProviderRefused):
            desk.call(ProviderRefused("no"))
    assert desk.call("done") == "done"
