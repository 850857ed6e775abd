"""Transitions of a send, the health of custodians, and their order for a send. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.kit.labels import Mark, StatusEnum
from app.kit.money import Amount
from app.kit.states import Transitions
from app.providers.ports import CallOutcome

#: No custodian acts on an unanswered request later than this. If it then has no record of our
#: reference, it did nothing.
IN_FLIGHT_MAX = timedelta(minutes=15)

#: A custodian's health follows from its latest calls within this time.
HEALTH_WINDOW = timedelta(minutes=10)
HEALTH_CALLS_MAX = 10
_FAILURES_IN_A_ROW = 3
_FAILURES = frozenset({CallOutcome.UNAVAILABLE, CallOutcome.UNKNOWN})


class SendState(StatusEnum):
    """The state of a send."""

    PLANNED = "planned", "Planned", Mark.UNDERWAY
    """No custodian has it yet."""
    UNKNOWN = "unknown", "Status unknown (asking custodian)", Mark.UNCERTAIN
    """A custodian was called and gave no answer: it may have sent it."""
    ACCEPTED = "accepted", "Sending", Mark.UNDERWAY
    """Its custodian accepted it; it can still fail."""
    COMPLETED = "completed", "Sent", Mark.DONE
    FAILED = "failed", "Failed", Mark.FAILED
    """Its custodian could not send it: nothing was sent."""
    REFUSED = "refused", "Refused", Mark.FAILED
    """Its custodian refused it, and no other one was called: nothing was sent."""
    DISPUTED = "disputed", "Disputed", Mark.PROBLEM
    """A custodian's record differs from the order. Staff investigate it."""


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
#: The states after which the system does nothing more about a send.
SETTLED_STATES = frozenset(
    {SendState.COMPLETED, SendState.FAILED, SendState.REFUSED, SendState.DISPUTED}
)


class CustodianHealth(StatusEnum):
    """How reliably a custodian answers, from best to worst."""

    HEALTHY = "well", "Healthy", Mark.DONE
    UNRELIABLE = "shaky", "Unreliable", Mark.UNCERTAIN
    """Some of its latest calls failed."""
    UNREACHABLE = "away", "Unreachable", Mark.PROBLEM
    """Its latest calls failed, one after the other."""
    OFF = "off", "Turned off", Mark.ENDED
    """It is not configured any more, and is not called."""


class ArrivalProblem(StatusEnum):
    """What is wrong with an incoming transfer. Not stored."""

    NO_OWNER = "no_owner", "No owner", Mark.PROBLEM
    """It came to an address that belongs to no customer."""


def health_of(outcomes: Sequence[CallOutcome]) -> CustodianHealth:
    """Return the health that follows from the latest calls, newest first; healthy without any."""
    failed = [outcome in _FAILURES for outcome in outcomes]
    if len(failed) >= _FAILURES_IN_A_ROW and all(failed[:_FAILURES_IN_A_ROW]):
        return CustodianHealth.UNREACHABLE
    return CustodianHealth.UNRELIABLE if any(failed) else CustodianHealth.HEALTHY


@dataclass(frozen=True, slots=True)
class CustodianCandidate:
    """A custodian that could send. `available` is as last reported; None if it never was."""

    name: str
    health: CustodianHealth
    available: Amount | None
    cost: Amount


def ranked_custodians(candidates: Iterable[CustodianCandidate], amount: Amount) -> list[str]:
    """Return the names of the candidates in the order in which they are called.

    Those with a sufficient reported balance come first, then the healthier, then the cheaper. Those
    with too little come last instead of never: the reported balance is minutes old.
    """

    def rank(candidate: CustodianCandidate) -> tuple[bool, int, int]:
        short = candidate.available is None or candidate.available < amount + candidate.cost
        return (short, list(CustodianHealth).index(candidate.health), candidate.cost.units)

    return [candidate.name for candidate in sorted(candidates, key=rank)]
