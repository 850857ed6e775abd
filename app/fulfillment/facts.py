"""What fulfillment publishes."""

from dataclasses import dataclass
from uuid import UUID

from app.kit.facts import Fact


@dataclass(frozen=True, slots=True)
class ShipmentChanged(Fact):
    """A shipment of this subject took another status. What subscribes reads the shipments of the
    subject as they are then: facts may come late, and in any order."""

    subject_type: str
    subject_id: UUID
