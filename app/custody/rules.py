"""How a send may proceed, when a custodian counts as well, and which one is asked first. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from app.kit.money import Amount
from app.kit.states import Transitions
from app.providers.ports import CallOutcome

#: Tasks of funding, which books. The one is given the `arrival_id` of what came in, the other the
#: `reference` of a send that is over.
CREDIT_TASK = "funding.credit_arrival"
SETTLE_TASK = "funding.settle_send"

#: No custodian acts later than this on a request of ours that it gave no answer to. What it then
#: does not know under our reference was not done.
IN_FLIGHT_MAX = timedelta(minutes=15)

#: A custodian's health is what became of its last calls of so long.
HEALTH_WINDOW = timedelta(minutes=10)
HEALTH_CALLS_MAX = 10
_FAILURES_IN_A_ROW = 3
_FAILURES = frozenset({CallOutcome.UNAVAILABLE, CallOutcome.UNKNOWN})


class SendState(StrEnum):
    """How far a send is."""

    PLANNED = "planned"
    """No custodian has it: it is to be sent."""
    UNKNOWN = "unknown"
    """A custodian was asked and gave no answer: it may have sent it."""
    ACCEPTED = "accepted"
    """Its custodian has it; it can still fail."""
    COMPLETED = "completed"
    FAILED = "failed"
    """Its custodian could not send it: nothing left us."""
    REFUSED = "refused"
    """Its custodian will not send it, and no other was asked: nothing left us."""
    DISPUTED = "disputed"
    """A custodian says something else than was asked for. People look into it."""


SEND_TRANSITIONS = Transitions(
    {
        SendState.PLANNED: {
            SendState.UNKNOWN,
            SendState.ACCEPTED,
            SendState.COMPLETED,
            SendState.FAILED,
            SendState.REFUSED,
            SendState.DISPUTED,
        },
        SendState.UNKNOWN: {
            SendState.PLANNED,
            SendState.ACCEPTED,
            SendState.COMPLETED,
            SendState.FAILED,
            SendState.REFUSED,
            SendState.DISPUTED,
        },
        SendState.ACCEPTED: {SendState.COMPLETED, SendState.FAILED, SendState.DISPUTED},
        SendState.COMPLETED: {SendState.DISPUTED},
        SendState.FAILED: {SendState.DISPUTED},
        SendState.REFUSED: {SendState.DISPUTED},
        SendState.DISPUTED: set(),
    }
)
#: In which nothing more is done about it by itself.
SETTLED_STATES = frozenset(
    {SendState.COMPLETED, SendState.FAILED, SendState.REFUSED, SendState.DISPUTED}
)


class CustodianHealth(StrEnum):
    """How well a custodian answers, from good to bad."""

    HEALTHY = "well"
    UNRELIABLE = "shaky"
    """Some of its last calls failed."""
    UNREACHABLE = "away"
    """Its last calls failed, one after the other."""


def health_of(outcomes: Sequence[CallOutcome]) -> CustodianHealth:
    """Of the outcomes of its last calls, the latest first. Without any it is taken to be well."""
    failed = [outcome in _FAILURES for outcome in outcomes]
    if len(failed) >= _FAILURES_IN_A_ROW and all(failed[:_FAILURES_IN_A_ROW]):
        return CustodianHealth.UNREACHABLE
    return CustodianHealth.UNRELIABLE if any(failed) else CustodianHealth.HEALTHY


@dataclass(frozen=True, slots=True)
class CustodianCandidate:
    """A custodian that could send. `available` is what it last said, None if it never did."""

    name: str
    health: CustodianHealth
    available: Amount | None
    cost: Amount


def ranked_custodians(candidates: Iterable[CustodianCandidate], amount: Amount) -> list[str]:
    """The names of those to ask, one after the other: first those that are known to have enough,
    the better before the worse, and among equals the cheapest.

    Those that seem to have too little come last and not never: what they said is minutes old, and
    they say so themselves.
    """

    def rank(candidate: CustodianCandidate) -> tuple[bool, int, int]:
        short = candidate.available is None or candidate.available < amount + candidate.cost
        return (short, list(CustodianHealth).index(candidate.health), candidate.cost.units)

    return [candidate.name for candidate in sorted(candidates, key=rank)]
