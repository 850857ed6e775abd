"""Whom to ask first, and how a send may proceed."""

import pytest

from app.catalog.rules import PAXG
from app.custody.rules import OVER, SEND_STEPS, Candidate, Health, SendState, health, route
from app.kit.money import Amount
from app.kit.states import UndeclaredTransition
from app.providers.ports import Outcome

ANSWERED, AWAY, UNKNOWN, REFUSED = (
    Outcome.ANSWERED,
    Outcome.AWAY,
    Outcome.UNKNOWN,
    Outcome.REFUSED,
)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], Health.WELL),
        ([ANSWERED], Health.WELL),
        ([REFUSED, REFUSED, REFUSED], Health.WELL),
        ([AWAY], Health.SHAKY),
        ([ANSWERED, AWAY, AWAY, AWAY], Health.SHAKY),
        ([AWAY, UNKNOWN, ANSWERED], Health.SHAKY),
        ([AWAY, UNKNOWN, AWAY], Health.AWAY),
    ],
)
def test_health_is_what_became_of_the_last_calls(outcomes: list[Outcome], expected: Health) -> None:
    assert health(outcomes) is expected


def candidate(name: str, health: Health, available: str | None, cost: str) -> Candidate:
    return Candidate(
        name,
        health,
        None if available is None else Amount.parse(PAXG, available),
        Amount.parse(PAXG, cost),
    )


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([("a", Health.WELL, "9", "0.2"), ("b", Health.WELL, "9", "0.1")], ["b", "a"]),
        ([("a", Health.SHAKY, "9", "0.1"), ("b", Health.WELL, "9", "0.2")], ["b", "a"]),
        ([("a", Health.AWAY, "9", "0.1"), ("b", Health.SHAKY, "9", "0.2")], ["b", "a"]),
        # What the send costs has to be there too.
        ([("a", Health.WELL, "1", "0.1"), ("b", Health.AWAY, "1.2", "0.2")], ["b", "a"]),
        ([("a", Health.WELL, None, "0.1"), ("b", Health.AWAY, "9", "0.2")], ["b", "a"]),
        ([("a", Health.WELL, "9", "0.1"), ("b", Health.WELL, "9", "0.1")], ["a", "b"]),
        ([], []),
    ],
)
def test_who_is_asked_first(
    candidates: list[tuple[str, Health, str | None, str]], expected: list[str]
) -> None:
    found = route([candidate(*each) for each in candidates], Amount.parse(PAXG, "1"))
    assert found == expected


def test_what_a_custodian_has_is_not_asked_of_another() -> None:
    for state in SendState:
        if state not in {SendState.PLANNED, SendState.UNKNOWN}:
            assert SendState.PLANNED not in SEND_STEPS.next_statuses[state]
    with pytest.raises(UndeclaredTransition):
        SEND_STEPS.transition(SendState.ACCEPTED, SendState.PLANNED)


def test_over_is_over_unless_somebody_disputes_it() -> None:
    for state in OVER:
        assert SEND_STEPS.next_statuses[state] <= {SendState.DISPUTED}
