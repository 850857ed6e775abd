"""What tracking publishes."""

from dataclasses import dataclass
from uuid import UUID

from app.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class ParcelMoved(Fact):
    """The status of a tracked parcel changed. It is a hint: its current status is read from the
    table, because facts may arrive late."""

    parcel_id: UUID
