"""Ranking and health of custodians, and the transitions of a send."""

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
def test_health_follows_from_the_latest_calls(
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
        # The balance has to cover the cost, too.
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
def test_custodians_are_ranked_by_balance_health_and_cost(
    candidates: list[tuple[str, CustodianHealth, str | None, str]], expected: list[str]
) -> None:
    ranked = ranked_custodians(
        [candidate(*arguments) for arguments in candidates], Amount.parse(PAXG, "1")
    )
    assert ranked == expected


def test_accepted_send_cannot_go_to_another_custodian() -> None:
    for state in SendState:
        if state not in {SendState.PLANNED, SendState.UNKNOWN}:
            assert SendState.PLANNED not in SEND_TRANSITIONS.next_statuses[state]
    with pytest.raises(UndeclaredTransition):
        SEND_TRANSITIONS.transition(SendState.ACCEPTED, SendState.PLANNED)


def test_settled_send_can_only_become_disputed() -> None:
    for state in SETTLED_STATES:
        assert SEND_TRANSITIONS.next_statuses[state] <= {SendState.DISPUTED}
