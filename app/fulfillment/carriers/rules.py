"""The vocabulary of carriers, and the status that follows from what they report."""

import re
from collections.abc import Iterable
from datetime import datetime

from app.kit.labels import LabelledEnum, Mark, StatusEnum


class Carrier(LabelledEnum):
    """Who carries parcels. Its value is the id of the provider."""

    FEDEX = "fedex", "FedEx"
    UPS = "ups", "UPS"

    def tracking_url(self, tracking_number: str) -> str:
        """Return the page on which this carrier shows a parcel to anyone."""
        return f"{_TRACKING_PAGES[self]}{tracking_number}"


_TRACKING_PAGES = {
    Carrier.FEDEX: "https://www.fedex.com/fedextrack/?trknbr=",
    Carrier.UPS: "https://www.ups.com/track?tracknum=",
}


class Speed(LabelledEnum):
    """How fast a parcel travels, whatever a carrier calls it."""

    OVERNIGHT = "overnight", "Overnight"
    TWO_DAY = "two_day", "Two days"
    GROUND = "ground", "Ground"


class TrackingStatus(StatusEnum):
    """Where a parcel is on its way, in the order in which it gets there; the exceptions last."""

    LABEL_CREATED = "label_created", "Label created", Mark.UNDERWAY
    """The carrier knows of the parcel, and does not have it."""
    PICKED_UP = "picked_up", "Picked up", Mark.UNDERWAY
    IN_TRANSIT = "in_transit", "In transit", Mark.UNDERWAY
    OUT_FOR_DELIVERY = "out_for_delivery", "Out for delivery", Mark.UNDERWAY
    DELIVERED = "delivered", "Delivered", Mark.DONE
    """Handed over against a signature."""
    HELD = "held", "Held by the carrier", Mark.WAITING
    """Waits at the carrier, such as for the recipient to be at home."""
    ADDRESS_CORRECTION = "address_correction", "Address needs correction", Mark.PROBLEM
    DAMAGED = "damaged", "Damaged", Mark.PROBLEM
    RETURNED = "returned", "Returned to sender", Mark.RETURNED
    LOST = "lost", "Lost", Mark.PROBLEM

    @property
    def rank(self) -> int:
        """How far on its way a parcel is, for what happened at the same time."""
        return _RANKS[self]

    @property
    def is_exception(self) -> bool:
        """Whether staff have to act."""
        return self in EXCEPTIONS

    @property
    def is_final(self) -> bool:
        """Whether the parcel's way has ended: it is not tracked any further."""
        return self in _FINAL


EXCEPTIONS = frozenset(
    {
        TrackingStatus.HELD,
        TrackingStatus.ADDRESS_CORRECTION,
        TrackingStatus.DAMAGED,
        TrackingStatus.RETURNED,
        TrackingStatus.LOST,
    }
)
_FINAL = frozenset({TrackingStatus.DELIVERED, TrackingStatus.RETURNED, TrackingStatus.LOST})
_RANKS = {status: rank for rank, status in enumerate(TrackingStatus)}

#: What nothing on the outside of a parcel may say.
_CONTENTS = re.compile(
    r"gold|silver|platin|pallad|bullion|coin|ingot|metal|precious|mint\b|vault|\bbars?\b|treasur",
    re.IGNORECASE,
)


def current_status(events: Iterable[tuple[datetime, TrackingStatus]]) -> TrackingStatus | None:
    """Return where a parcel is by its events, in whatever order they became known; None if there
    are none.

    The latest counts; of two at the same time, the one further on its way. A parcel that was
    delivered is never on its way again: only exceptions can follow.
    """
    ordered = sorted(events, key=lambda event: (event[0], event[1].rank))
    current: TrackingStatus | None = None
    for _, status in ordered:
        if current is TrackingStatus.DELIVERED and not status.is_exception:
            continue
        current = status
    return current


def names_contents(text: str) -> bool:
    """Return whether a text says that a parcel is worth stealing: it must not be on the outside."""
    return bool(_CONTENTS.search(text))
