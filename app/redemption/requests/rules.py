"""Statuses of redemptions, and how their costs are paid. Pure."""

from dataclasses import dataclass
from uuid import UUID

from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount
from app.kit.states import Transitions

#: The prefix of a redemption's public id: the reference of its entry in the ledger.
PREFIX = "rdm"


class RedemptionStatus(StatusEnum):
    """The status of a redemption."""

    PENDING_APPROVAL = "pending_approval", "Waiting for approval", Mark.REVIEW
    """Metal, money and goods are held until staff have decided it or its time is over."""
    APPROVED = "approved", "Approved", Mark.UNDERWAY
    """The metal is paid, and the goods belong to the customer."""
    ALLOCATED = "allocated", "Waiting to be packed", Mark.WAITING
    """Its shipments are requested."""
    PICKING = "picking", "Being packed", Mark.UNDERWAY
    """Its goods are taken from the shelves and packed."""
    SHIPPED = "shipped", "On its way", Mark.UNDERWAY
    """Its goods are with the carrier."""
    DELIVERED = "delivered", "Delivered", Mark.DONE
    """The customer has the goods."""
    REJECTED = "rejected", "Rejected", Mark.FAILED
    """Staff rejected it. Everything is released."""
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """The customer cancelled it, or none of its goods was delivered. Everything is released."""
    EXPIRED = "expired", "Lapsed", Mark.ENDED
    """It was not decided in time. Everything is released."""


_S = RedemptionStatus
#: What may follow each status.
TRANSITIONS = Transitions(
    {
        _S.PENDING_APPROVAL: frozenset({_S.APPROVED, _S.REJECTED, _S.CANCELLED, _S.EXPIRED}),
        # Cancelling undoes what was posted.
        _S.APPROVED: frozenset({_S.ALLOCATED, _S.CANCELLED}),
        # What is collected at a branch is delivered without being shipped, and of facts that come
        # late one may overtake another.
        _S.ALLOCATED: frozenset({_S.PICKING, _S.SHIPPED, _S.DELIVERED, _S.CANCELLED}),
        _S.PICKING: frozenset({_S.ALLOCATED, _S.SHIPPED, _S.DELIVERED}),
        # Cancelled: no piece of it was delivered, and their metal was given back.
        _S.SHIPPED: frozenset({_S.DELIVERED, _S.CANCELLED}),
    }
)
#: Redemptions whose goods have not arrived: their customers cannot be erased.
OPEN = frozenset({_S.PENDING_APPROVAL, _S.APPROVED, _S.ALLOCATED, _S.PICKING, _S.SHIPPED})


class PaidIn(LabelledEnum):
    """What pays for fee, shipping, insurance and further ounces."""

    BALANCE = "balance", "Dollar balance"
    METAL = "metal", "Further metal, sold at the bid"


@dataclass(frozen=True, slots=True)
class RedeemedUnits:
    """Units of a product at one location, or one bar, and the hold that reserves them."""

    sku: str
    location_id: UUID
    lot_id: UUID | None
    units: int
    #: The accounted ounces of all of them.
    ounces: Amount
    hold_id: UUID
