"""Statuses of orders of goods, and how they are paid. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.catalog.rules import USD, PaymentMethod
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount
from app.kit.states import Transitions

#: The prefix of an order's public id.
PREFIX = "ord"
_NOTHING = Amount(USD, 0)


class OrderStatus(StatusEnum):
    """The status of an order of goods."""

    PENDING_PAYMENT = "pending_payment", "Waiting for payment", Mark.WAITING
    """Its goods are set aside until the payment arrives or its time is over."""
    ON_HOLD = "on_hold", "On hold for review", Mark.REVIEW
    """Staff look at it before its goods are sold. They are kept, and so is what pays for them."""
    ALLOCATED = "allocated", "Paid, goods set aside", Mark.UNDERWAY
    """It is paid, and its goods belong to the customer."""
    PICKING = "picking", "Being packed", Mark.UNDERWAY
    """Its goods are being picked and packed, or part of them has left."""
    SHIPPED = "shipped", "Shipped", Mark.UNDERWAY
    """All of its goods are on their way, or part of them is delivered."""
    DELIVERED = "delivered", "Delivered", Mark.DONE
    """The customer has its goods."""
    REFUNDED = "refunded", "Refunded", Mark.RETURNED
    """All of its goods were refunded."""
    RETURNED = "returned", "Returned", Mark.RETURNED
    """All of its goods were refunded, the last of them after they came back."""
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """It ended before it was paid, or before its goods were picked. They are for sale again."""


class CancelReason(LabelledEnum):
    """Why an order ended before its goods were sold, or picked."""

    CUSTOMER = "customer", "The customer cancelled it"
    STAFF = "staff", "PBCEx cancelled it"
    PAYMENT_FAILED = "payment_failed", "The payment failed"
    PAYMENT_CANCELLED = "payment_cancelled", "The payment was cancelled"
    PAYMENT_LATE = "payment_late", "The payment did not arrive in time"
    MONEY_SHORT = "money_short", "The balance did not cover the order once the payment had arrived"
    GOODS_GONE = "goods_gone", "The goods were no longer there"
    REJECTED = "rejected", "Rejected after a review"
    REVIEW_LATE = "review_late", "Not reviewed in time"


class HoldReason(LabelledEnum):
    """Why staff look at an order before its goods are sold."""

    SCREENING = "screening", "The recipient may be a listed party"
    """The recipient, or the customer, is not clear of the sanctions list."""
    MANY_ORDERS = "many_orders", "Many orders within 24 hours"
    """The customer has placed more than a setting allows."""
    ADDRESSES_DIFFER = "addresses_differ", "The invoice goes to another place"
    """Another country or postal code than that to which the goods are shipped."""
    FIRST_LARGE_ORDER = "first_large_order", "A large order of a new customer"
    """No earlier order of the customer was paid long enough ago."""


class OrderDecision(LabelledEnum):
    """The decision of staff about an order on hold, by the status that it leads to."""

    RELEASE = OrderStatus.ALLOCATED.value, "Release"
    """Its goods are sold."""
    REJECT = OrderStatus.CANCELLED.value, "Reject"
    """What it kept is released."""


class PaymentProgress(LabelledEnum):
    """How far the payment of an order is."""

    PROCESSING = "processing", "Being processed"
    """Nothing is to be done."""
    REQUIRES_ACTION = "requires_action", "To be confirmed at the card's bank"
    AWAITING_TRANSFER = "awaiting_transfer", "Waiting for the bank transfer"
    PAID = "paid", "Paid"
    DISPUTED = "disputed", "Disputed by the card's bank"
    """Goods that are not picked yet are not sent."""
    CHARGED_BACK = "charged_back", "Taken back by the card's bank"
    """What it took is owed. Goods that are not picked yet are sent once that is paid."""
    CANCELLED = "cancelled", "Cancelled"


class OrderPaymentMethod(LabelledEnum):
    """How a part of an order is paid."""

    BALANCE = "balance", "Dollar balance"
    """From the customer's dollars."""
    METAL = "metal", "Metal"
    """From the customer's metal, sold at the bid that was promised with the prices."""
    CARD = "card", "Card"
    """By a deposit that is charged to a card."""
    BANK_TRANSFER = "bank_transfer", "Bank transfer"
    """By a deposit that the customer transfers."""


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


@dataclass(frozen=True, slots=True)
class OrderedUnits:
    """Units of a product at one location, or one bar, with their share of price and tax."""

    sku: str
    location_id: UUID
    lot_id: UUID | None
    units: int
    #: The price of the metal that was promised, in US dollars per troy ounce.
    spot: Decimal
    price: Amount
    tax: Amount
    hold_id: UUID


#: The deposit by which each method pays that does not pay at once.
DEPOSIT_METHODS = {
    OrderPaymentMethod.CARD: PaymentMethod.CARD,
    OrderPaymentMethod.BANK_TRANSFER: PaymentMethod.BANK,
}
#: What may follow each status.
TRANSITIONS = Transitions(
    {
        OrderStatus.PENDING_PAYMENT: {
            OrderStatus.ON_HOLD,
            OrderStatus.ALLOCATED,
            OrderStatus.CANCELLED,
        },
        OrderStatus.ON_HOLD: {OrderStatus.ALLOCATED, OrderStatus.CANCELLED},
        # From here on it follows its shipments, whose facts may come late.
        OrderStatus.ALLOCATED: {
            OrderStatus.PICKING,
            OrderStatus.SHIPPED,
            OrderStatus.DELIVERED,
            OrderStatus.CANCELLED,
            OrderStatus.REFUNDED,
        },
        OrderStatus.PICKING: {OrderStatus.ALLOCATED, OrderStatus.SHIPPED, OrderStatus.DELIVERED},
        OrderStatus.SHIPPED: {OrderStatus.DELIVERED, OrderStatus.REFUNDED, OrderStatus.RETURNED},
        OrderStatus.DELIVERED: {OrderStatus.REFUNDED, OrderStatus.RETURNED},
    }
)
#: Orders that keep goods which are not sold yet.
KEEPING = frozenset({OrderStatus.PENDING_PAYMENT, OrderStatus.ON_HOLD})
#: Orders whose goods are not delivered: their customers cannot be erased.
OPEN = KEEPING | {OrderStatus.ALLOCATED, OrderStatus.PICKING, OrderStatus.SHIPPED}
