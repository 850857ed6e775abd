"""Statuses of purchase orders, and what may be ordered without a second person. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from app.catalog.rules import USD
from app.kit.labels import Mark, StatusEnum
from app.kit.money import Amount, Rounding, divide
from app.kit.states import Transitions
from app.settings.rules import setting, settings_group

#: The prefix of a purchase order's public id.
PREFIX = "pur"


class PurchaseStatus(StatusEnum):
    """The status of a purchase order."""

    PLANNED = "planned", "To be ordered", Mark.WAITING
    HELD = "held", "Needs approval", Mark.WAITING
    """It costs more than is ordered without a second person."""
    LOCKED = "locked", "Price locked", Mark.UNDERWAY
    """The wholesaler keeps a price for some seconds."""
    EXECUTING = "executing", "Being placed", Mark.UNDERWAY
    """It was sent to the wholesaler, who has not confirmed it yet."""
    ORDERED = "ordered", "Ordered", Mark.UNDERWAY
    """The supplier has confirmed it."""
    SHIPPED = "shipped", "On its way", Mark.UNDERWAY
    """The supplier has sent all or part of it."""
    PART_RECEIVED = "part_received", "Partly received", Mark.UNDERWAY
    """Some units have arrived; the others are on back-order."""
    RECEIVED = "received", "Received", Mark.DONE
    CLOSED = "closed", "Closed short", Mark.ENDED
    """The supplier will not send the rest."""
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """Before it was ordered."""
    FAILED = "failed", "Refused", Mark.FAILED
    """The supplier did not take it."""


_S = PurchaseStatus
TRANSITIONS = Transitions(
    {
        _S.PLANNED: {_S.HELD, _S.LOCKED, _S.ORDERED, _S.CANCELLED, _S.FAILED},
        _S.HELD: {_S.PLANNED, _S.CANCELLED},
        _S.LOCKED: {_S.EXECUTING, _S.PLANNED, _S.HELD},
        _S.EXECUTING: {_S.ORDERED, _S.PLANNED, _S.FAILED},
        _S.ORDERED: {_S.SHIPPED, _S.PART_RECEIVED, _S.RECEIVED, _S.CLOSED},
        _S.SHIPPED: {_S.PART_RECEIVED, _S.RECEIVED, _S.CLOSED},
        _S.PART_RECEIVED: {_S.RECEIVED, _S.CLOSED},
    }
)
#: The supplier owes goods: their price is agreed and they have not all arrived.
OWED = frozenset({_S.ORDERED, _S.SHIPPED, _S.PART_RECEIVED})
#: Their units count as on order.
ON_ORDER = OWED | {_S.PLANNED, _S.HELD, _S.LOCKED, _S.EXECUTING}


def _usd(text: str) -> Amount:
    return Amount.parse(USD, text)


_NOTHING = Amount(USD, 0)


@settings_group("restock", "Restock")
@dataclass(frozen=True, slots=True)
class RestockRules:
    """How much is ordered, and what takes a second person."""

    sales_days: int = setting(
        "Sales are counted over", 14, minimum=1, maximum=365, unit="days", needs_approval=False
    )
    cover_days: int = setting(
        "A shelf is filled for the sales of",
        30,
        minimum=1,
        maximum=365,
        unit="days",
        needs_approval=False,
    )
    shelf_multiple: int = setting(
        "A shelf without a limit of its own takes",
        4,
        minimum=1,
        maximum=100,
        unit="times its reorder point",
        about="Never more units are ordered than the shelf takes.",
    )
    unapproved_max: Amount = setting(
        "Largest purchase order without a second person",
        _usd("50000"),
        minimum=_NOTHING,
        maximum=_usd("10000000"),
        about="Zero: every order needs a second person, and none is placed automatically.",
    )
    margin_percent: Decimal = setting(
        "Goods may cost more than their metal at the market by",
        Decimal(10),
        minimum=Decimal(0),
        maximum=Decimal(100),
        unit="percent",
        about="An order whose locked price is higher waits for a second person.",
    )
    variance_max: Amount = setting(
        "An invoice may differ from what was agreed by",
        _usd("25"),
        minimum=_NOTHING,
        maximum=_usd("100000"),
        about="A larger difference needs a second person.",
    )


def share_of_cost(cost: int, units: int, received_before: int, received: int) -> int:
    """Return what `received` units cost, in cents, of a line with `units` for `cost`, after others
    of it were received. Halves are rounded up, and the shares of all units are the whole; units
    beyond the line cost as much as the others."""

    def due(count: int) -> int:
        return divide(cost * count, units, Rounding.HALF_UP)

    return due(received_before + received) - due(received_before)


def estimate_cost(metal: Amount, margin_percent: Decimal) -> Amount:
    """Return what goods with this much metal may cost, rounded up to the cent."""
    basis_points = int(margin_percent * 100)
    return Amount(metal.asset, -(-metal.units * (10_000 + basis_points) // 10_000))
