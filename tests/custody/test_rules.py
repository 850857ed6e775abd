"""Whom to ask first, and how a send may proceed."""

import pytest

from app.catalog.rules import PAXG
from app.custody.rules import (
    SEND_TRANSITIONS,
    SETTLED_STATES,
    CustodianCandidate,
    CustodianHealth,
    SendState,
    health_of,
    ranked_custodians,
)
from app.kit.money import Amount
from app.kit.states import UndeclaredTransition
from app.providers.ports import CallOutcome

ANSWERED, AWAY, UNKNOWN, REFUSED = (
    CallOutcome.ANSWERED,
    CallOutcome.UNAVAILABLE,
    CallOutcome.UNKNOWN,
    CallOutcome.REFUSED,
)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], CustodianHealth.HEALTHY),
        ([ANSWERED], CustodianHealth.HEALTHY),
        ([REFUSED, REFUSED, REFUSED], CustodianHealth.HEALTHY),
        ([AWAY], CustodianHealth.UNRELIABLE),
        ([ANSWERED, AWAY, AWAY, AWAY], CustodianHealth.UNRELIABLE),
        ([AWAY, UNKNOWN, ANSWERED], CustodianHealth.UNRELIABLE),
        ([AWAY, UNKNOWN, AWAY], CustodianHealth.UNREACHABLE),
    ],
)
def test_health_is_what_became_of_the_last_calls(
    outcomes: list[CallOutcome], expected: CustodianHealth
) -> None:
    assert health_of(outcomes) is expected


def candidate(
    name: str, health: CustodianHealth, available: str | None, cost: str
) -> CustodianCandidate:
    return CustodianCandidate(
        name,
        health,
        None if available is None else Amount.parse(PAXG, available),
        Amount.parse(PAXG, cost),
    )


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (
            [
                ("a", CustodianHealth.HEALTHY, "9", "0.2"),
                ("b", CustodianHealth.HEALTHY, "9", "0.1"),
            ],
            ["b", "a"],
        ),
        (
            [
                ("a", CustodianHealth.UNRELIABLE, "9", "0.1"),
                ("b", CustodianHealth.HEALTHY, "9", "0.2"),
            ],
            ["b", "a"],
        ),
        (
            [
                ("a", CustodianHealth.UNREACHABLE, "9", "0.1"),
                ("b", CustodianHealth.UNRELIABLE, "9", "0.2"),
            ],
            ["b", "a"],
        ),
        # What the send costs has to be there too.
        (
            [
                ("a", CustodianHealth.HEALTHY, "1", "0.1"),
                ("b", CustodianHealth.UNREACHABLE, "1.2", "0.2"),
            ],
            ["b", "a"],
        ),
        (
            [
                ("a", CustodianHealth.HEALTHY, None, "0.1"),
                ("b", CustodianHealth.UNREACHABLE, "9", "0.2"),
            ],
            ["b", "a"],
        ),
        (
            [
                ("a", CustodianHealth.HEALTHY, "9", "0.1"),
                ("b", CustodianHealth.HEALTHY, "9", "0.1"),
            ],
            ["a", "b"],
        ),
        ([], []),
    ],
)
def test_who_is_asked_first(
    candidates: list[tuple[str, CustodianHealth, str | None, str]], expected: list[str]
) -> None:
    found = ranked_custodians([candidate(*each) for each in candidates], Amount.parse(PAXG, "1"))
    assert found == expected


def test_what_a_custodian_has_is_not_asked_of_another() -> None:
    for state in SendState:
        if state not in {SendState.PLANNED, SendState.UNKNOWN}:
            assert SendState.PLANNED not in SEND_TRANSITIONS.next_statuses[state]
    with pytest.raises(UndeclaredTransition):
        SEND_TRANSITIONS.transition(SendState.ACCEPTED, SendState.PLANNED)


def test_over_is_over_unless_somebody_disputes_it() -> None:
    for state in SETTLED_STATES:
        assert SEND_TRANSITIONS.next_statuses[state] <= {SendState.DISPUTED}
