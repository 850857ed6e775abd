"""Scheduled faults: for the next calls of an operation, or the next webhooks."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from uuid import uuid4

from sandbox.store import Store

_OWN = "_sandbox"
_KIND = "faults"


class FaultMode(StrEnum):
    """How a call or a webhook fails."""

    DOWN = "down"
    """503; the call has no effect."""
    ERROR_BEFORE = "error_before"
    """500; the call has no effect."""
    ERROR_AFTER = "error_after"
    """500; the call has its effect."""
    HANG_UP_BEFORE = "hang_up_before"
    """The connection closes without a response; the call has no effect."""
    HANG_UP_AFTER = "hang_up_after"
    """The connection closes without a response; the call has its effect."""
    TIMEOUT_BEFORE = "timeout_before"
    """No response for `seconds`; the call has no effect."""
    TIMEOUT_AFTER = "timeout_after"
    """No response for `seconds`; the call has its effect."""
    SLOW = "slow"
    """The correct response after `seconds`."""
    LIMITED = "limited"
    """429; the call has no effect."""
    UNAUTHORIZED = "unauthorized"
    """401, as for an expired token; the call has no effect."""
    GARBAGE = "garbage"
    """The response cannot be read; the call has its effect."""
    WRONG_AMOUNT = "wrong_amount"
    """Another amount than requested; the provider's module says how."""
    REFUSED = "refused"
    """The provider refuses, with its own error."""
    REPEATED = "repeated"
    """What a parcel's tracking reports is in the response twice."""
    REORDERED = "reordered"
    """It is in the response in another order."""
    FOREIGN = "foreign"
    """It is of another parcel than the one that was asked for."""

    DUPLICATE = "duplicate"
    """The webhook is sent twice."""
    LATE = "late"
    """The webhook is sent after `seconds`, behind later ones."""
    LOST = "lost"
    """The webhook is never sent."""
    FORGED = "forged"
    """The webhook is signed with another key."""
    TAMPERED = "tampered"
    """The webhook's body is changed after signing."""
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
#: The operation name for faults of webhooks.
WEBHOOK_OPERATION = "webhook"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, scheduled `times` times. `operation` is a pattern such as `payouts.*`."""

    id: str
    provider: str
    operation: str
    mode: FaultMode
    times: int
    seconds: float


class FaultSchedule:
    """The scheduled faults that have not all happened yet."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def schedule(
        self, provider: str, operation: str, mode: FaultMode, *, times: int = 1, seconds: float = 0
    ) -> Fault:
        """Schedule a fault for the next `times` calls.

        Raises `ValueError` for a mode that the operation does not have.
        """
        if (mode in WEBHOOK_MODES) is not (operation == WEBHOOK_OPERATION):
            raise ValueError(f"{mode} is not a fault of {operation}")
        fault = Fault(uuid4().hex, provider, operation, mode, times, seconds)
        self._store.put(_OWN, _KIND, fault.id, asdict(fault))
        return fault

    def pending(self) -> list[Fault]:
        """Return the faults that are still to happen."""
        documents = self._store.find(_OWN, _KIND)
        return [
            Fault(**{**document, "mode": FaultMode(document["mode"])}) for document in documents
        ]

    def take(self, provider: str, operation: str) -> Fault | None:
        """Return the fault of this call or webhook and count it as used; None if there is none."""
        with self._store.transaction():
            for fault in self.pending():
                if fault.provider == provider and fnmatchcase(operation, fault.operation):
                    if fault.times > 1:
                        remaining = {**asdict(fault), "times": fault.times - 1}
                        self._store.put(_OWN, _KIND, fault.id, remaining)
                    else:
                        self._store.delete(_OWN, _KIND, fault.id)
                    return fault
        return None

    def clear(self) -> None:
        """Delete every scheduled fault."""
        for fault in self.pending():
            self._store.delete(_OWN, _KIND, fault.id)
