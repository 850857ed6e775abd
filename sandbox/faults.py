"""What goes wrong on order: for the next calls of an operation, or the next webhooks."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from uuid import uuid4

from sandbox.store import Store

_OWN = "_sandbox"
_KIND = "faults"


class FaultMode(StrEnum):
    """How a call or a webhook goes wrong."""

    DOWN = "down"
    """503, and nothing happened."""
    ERROR_BEFORE = "error_before"
    """500, and nothing happened."""
    ERROR_AFTER = "error_after"
    """500, though it was done."""
    HANG_UP_BEFORE = "hang_up_before"
    """The connection ends without an answer, and nothing happened."""
    HANG_UP_AFTER = "hang_up_after"
    """The connection ends without an answer, though it was done."""
    TIMEOUT_BEFORE = "timeout_before"
    """No answer for `seconds`, and nothing happened."""
    TIMEOUT_AFTER = "timeout_after"
    """No answer for `seconds`, though it was done."""
    SLOW = "slow"
    """The right answer after `seconds`."""
    GARBAGE = "garbage"
    """It was done, and the answer cannot be read."""
    WRONG_AMOUNT = "wrong_amount"
    """Another amount than was asked for; the provider's module says how."""
    REFUSED = "refused"
    """The provider says no, in its own words."""

    DUPLICATE = "duplicate"
    """The webhook comes twice."""
    LATE = "late"
    """The webhook comes after `seconds`, behind those that follow it."""
    LOST = "lost"
    """The webhook never comes."""
    FORGED = "forged"
    """The webhook is signed with another key."""
    TAMPERED = "tampered"
    """The webhook's body is changed after it was signed."""
    STALE = "stale"
    """The webhook was signed an hour ago."""


WEBHOOK_MODES = frozenset(
    {
        FaultMode.DUPLICATE,
        FaultMode.LATE,
        FaultMode.LOST,
        FaultMode.FORGED,
        FaultMode.TAMPERED,
        FaultMode.STALE,
    }
)
#: The operation under which faults of webhooks are ordered.
WEBHOOK_OPERATION = "webhook"


@dataclass(frozen=True, slots=True)
class Fault:
    """`operation` is a pattern such as `payouts.*`; the fault happens `times` times."""

    id: str
    provider: str
    operation: str
    mode: FaultMode
    times: int
    seconds: float


class FaultSchedule:
    """The faults that are ordered and have not all happened yet."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def schedule(
        self, provider: str, operation: str, mode: FaultMode, *, times: int = 1, seconds: float = 0
    ) -> Fault:
        """From now on, so many times. `ValueError` for a mode that the operation does not have."""
        if (mode in WEBHOOK_MODES) is not (operation == WEBHOOK_OPERATION):
            raise ValueError(f"{mode} is not a fault of {operation}")
        fault = Fault(uuid4().hex, provider, operation, mode, times, seconds)
        self._store.put(_OWN, _KIND, fault.id, asdict(fault))
        return fault

    def pending(self) -> list[Fault]:
        """Those that are still to happen."""
        found = self._store.find(_OWN, _KIND)
        return [Fault(**{**each, "mode": FaultMode(each["mode"])}) for each in found]

    def take(self, provider: str, operation: str) -> Fault | None:
        """The fault that this call or webhook has, used up once."""
        with self._store.transaction():
            for fault in self.pending():
                if fault.provider == provider and fnmatchcase(operation, fault.operation):
                    if fault.times > 1:
                        left = {**asdict(fault), "times": fault.times - 1}
                        self._store.put(_OWN, _KIND, fault.id, left)
                    else:
                        self._store.delete(_OWN, _KIND, fault.id)
                    return fault
        return None

    def clear(self) -> None:
        """None any more."""
        for fault in self.pending():
            self._store.delete(_OWN, _KIND, fault.id)
