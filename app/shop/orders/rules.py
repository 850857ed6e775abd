"""Statuses of orders of goods, and how they are paid. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from app.catalog.rules import USD
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount
from app.kit.states import Transitions

#: The prefix of an order's public id.
PREFIX = "ord"
_NOTHING = Amount(USD, 0)


class OrderStatus(StatusEnum):
    """The status of an order of goods."""

    ALLOCATED = "allocated", "Paid, goods set aside", Mark.UNDERWAY
    """It is paid, and its goods belong to the customer."""


class OrderPaymentMethod(LabelledEnum):
    """How a part of an order is paid."""

    BALANCE = "balance", "Dollar balance"
    """From the customer's dollars."""
    METAL = "metal", "Metal"
    """From the customer's metal, sold at the bid that was promised with the prices."""


@dataclass(frozen=True, slots=True)
class OrderPayment:
    """A part of a total: `given` pays `dollars`.

    Of metal that is sold, `spread` is its distance from mid, and `rounding` what is left below a
    cent, as in an order of trading.
    """

    method: OrderPaymentMethod
    given: Amount
    dollars: Amount
    #: In US dollars per troy ounce; None for dollars.
    bid: Decimal | None = None
    spread: Amount = _NOTHING
    rounding: Amount = _NOTHING


#: What may follow each status.
TRANSITIONS: Transitions[OrderStatus] = Transitions({})
#: Orders whose goods have not left: their customers cannot be erased.
OPEN = frozenset({OrderStatus.ALLOCATED})
