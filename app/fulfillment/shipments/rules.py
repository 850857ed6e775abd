"""Statuses of shipments, and what they carry. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from app.catalog.rules import USD
from app.flags.rules import FulfilmentStrategy
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.kit.states import Transitions
from app.tax.assessment import Delivery

#: The prefix of a shipment's public id.
PREFIX = "shp"


class ShipmentStatus(StatusEnum):
    """The status of a shipment."""

    REQUESTED = "requested", "To be picked", Mark.WAITING
    """Its goods are on the shelf."""
    PICKING = "picking", "Being picked", Mark.UNDERWAY
    """Its goods are being taken off the shelf and checked."""
    PACKED = "packed", "Packed", Mark.WAITING
    """Its goods are checked and packed: to be handed to the carrier, or to be collected."""
    SHIPPED = "shipped", "Shipped", Mark.UNDERWAY
    """The carrier has it."""
    DELIVERED = "delivered", "Delivered", Mark.DONE
    """The customer has it."""
    RETURNED = "returned", "Came back", Mark.RETURNED
    """Its parcel came back: its goods are checked, and then sent again or given back."""
    LOST = "lost", "Lost", Mark.PROBLEM
    """Its parcel is lost or destroyed: its goods are replaced, or what they cost is given back."""
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """It ends without a delivery: cancelled before its goods were picked, or settled after they
    came back or were lost."""


class SubjectType(LabelledEnum):
    """What a shipment was requested for."""

    ORDER = "order", "Order"
    """An order of goods."""
    REDEMPTION = "redemption", "Redemption"
    """A redemption of metal."""
    RETURN = "return", "Return"
    """A return of delivered goods: what goes out in exchange, or back to the customer."""


_S = ShipmentStatus
TRANSITIONS = Transitions(
    {
        _S.REQUESTED: {_S.PICKING, _S.CANCELLED},
        _S.PICKING: {_S.REQUESTED, _S.PACKED},
        # What is collected is delivered without a carrier.
        _S.PACKED: {_S.SHIPPED, _S.DELIVERED},
        _S.SHIPPED: {_S.DELIVERED, _S.RETURNED, _S.LOST},
        _S.RETURNED: {_S.CANCELLED},
        _S.LOST: {_S.CANCELLED},
    }
)
#: The goods have left our shelves.
LEFT = frozenset({_S.SHIPPED, _S.DELIVERED, _S.RETURNED, _S.LOST})


@dataclass(frozen=True, slots=True)
class ShipmentSubject:
    """What a shipment was requested for: an order or a redemption, and its number for people."""

    type: SubjectType
    id: UUID
    number: str

    @property
    def words(self) -> str:
        """What it is called in a sentence, such as `order 10000001`."""
        return f"{self.type.label.lower()} {self.number}"


@dataclass(frozen=True, slots=True)
class ShippedUnits:
    """Units of a product, or one bar, which the customer owns; what they were worth when they were
    bought; and the hold that reserved them until then."""

    sku: str
    units: int
    value: Amount
    lot_id: UUID | None = None
    hold_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewShipment:
    """A shipment to request: goods of one location, to an address or to be collected at a
    branch."""

    subject: ShipmentSubject
    user_id: UUID
    location_id: UUID
    lines: Sequence[ShippedUnits]
    address: PostalAddress | None = None
    branch_id: UUID | None = None
    #: The one that the order or redemption names.
    strategy: FulfilmentStrategy | None = None

    def __post_init__(self) -> None:
        if (self.address is None) == (self.branch_id is None):
            raise ValueError("a shipment goes either to an address or to a branch")

    @property
    def value(self) -> Amount:
        """What all units were worth when they were bought."""
        return Amount(USD, sum(line.value.units for line in self.lines))

    @property
    def dearest_unit(self) -> Amount:
        """What the dearest unit was worth."""
        return Amount(USD, max(-(-line.value.units // line.units) for line in self.lines))

    @property
    def delivery(self) -> Delivery:
        """How the customer receives it."""
        return Delivery.PICKUP if self.address is None else Delivery.SHIP


@dataclass(frozen=True, slots=True)
class Progress:
    """How far all shipments of a subject are together."""

    #: None if there are none beside cancelled ones.
    status: ShipmentStatus | None
    #: Whether some have left and others have not.
    is_partial: bool

    @classmethod
    def of(cls, statuses: Collection[ShipmentStatus]) -> Self:
        """Return that of shipments with these statuses: the subject is delivered once all are,
        shipped once all have left, and being picked once one has gone further than requested."""
        open_ones = [status for status in statuses if status is not _S.CANCELLED]
        if not open_ones:
            return cls(None, is_partial=False)
        left = [status for status in open_ones if status in LEFT]
        if len(left) == len(open_ones):
            is_delivered = all(status is _S.DELIVERED for status in left)
            return cls(_S.DELIVERED if is_delivered else _S.SHIPPED, is_partial=False)
        begun = any(status is not _S.REQUESTED for status in open_ones)
        return cls(_S.PICKING if begun else _S.REQUESTED, is_partial=bool(left))
