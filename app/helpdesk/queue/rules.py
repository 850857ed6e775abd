"""How long work may wait, and the states in which the queue shows it."""

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.settings.rules import setting, settings_group

PREFIX = "que"


def _hours(label: str, default: int) -> Any:
    return setting(label, default, minimum=1, maximum=720, unit="hours", needs_approval=False)


@settings_group("queue", "Queue of support")
@dataclass(frozen=True, slots=True)
class QueueTargets:
    """How long work may wait for a decision, each by the name of its source."""

    case: int = _hours("Cases", 72)
    order: int = _hours("Orders on hold", 4)
    payment: int = _hours("Payments", 8)
    redemption: int = _hours("Redemptions", 8)
    goods_return: int = _hours("Returns", 24)
    verification: int = _hours("Verification", 24)

    def of(self, source_name: str) -> timedelta:
        """Return how long work of a source may wait. Raises `AttributeError` for one without."""
        hours: int = getattr(self, source_name)
        return timedelta(hours=hours)


#: The names of sources that have a target.
TARGETS = frozenset(field.name for field in fields(QueueTargets))


class QueueState(StatusEnum):
    """How far work in the queue is."""

    ESCALATED = "escalated", "Escalated", Mark.PROBLEM
    SNOOZED = "snoozed", "Snoozed", Mark.ENDED
    CLAIMED = "claimed", "Claimed", Mark.UNDERWAY
    WAITING = "waiting", "Waiting", Mark.WAITING


class QueueView(LabelledEnum):
    """What of the queue a person looks at."""

    OPEN = "open", "Open"
    MINE = "mine", "Mine"
    UNCLAIMED = "unclaimed", "Unclaimed"
    ESCALATED = "escalated", "Escalated"
    SNOOZED = "snoozed", "Snoozed"


class Snooze(LabelledEnum):
    """For how long work sleeps: hours from now."""

    HOUR = "1", "An hour"
    HALF_DAY = "4", "4 hours"
    DAY = "24", "A day"
    THREE_DAYS = "72", "3 days"

    @property
    def duration(self) -> timedelta:
        """How long it is."""
        return timedelta(hours=int(self.value))


class TargetState(StatusEnum):
    """Whether work waits longer than it should."""

    WITHIN = "within", "In time", Mark.DONE
    LATE = "late", "Late", Mark.ABOVE
