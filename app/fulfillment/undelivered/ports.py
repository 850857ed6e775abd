"""What a room whose goods are shipped does with goods that were not delivered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NewType, Protocol
from uuid import UUID

from app.access import Actor
from app.fulfillment.shipments.rules import ShippedUnits, SubjectType
from app.kit.db import Session
from app.kit.ids import PublicId


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Goods of a location that a customer does not receive. `are_here`: they are on our shelf, and
    still the customer's; otherwise they are lost, and out of the books of goods."""

    shipment: PublicId
    subject_id: UUID
    location_id: UUID
    lines: Sequence[ShippedUnits]
    are_here: bool


class SubjectOwner(Protocol):
    """The room of orders, or of redemptions."""

    def lock(self, session: Session, subject_id: UUID) -> None:
        """Lock the row of a subject until the transaction ends."""
        ...

    def give_back(
        self, session: Session, actor: Actor, undelivered: Undelivered, *, reason: str
    ) -> None:
        """Give the customer back what undelivered goods of a subject, locked before, cost, and put
        them back for sale if they are here. Raises `NothingToGiveBack`."""
        ...


#: The rooms by what they own.
SubjectOwners = NewType("SubjectOwners", Mapping[SubjectType, SubjectOwner])
