"""The kinds of messages about orders of goods."""

from dataclasses import dataclass
from datetime import datetime

from app.kit.ids import PublicId
from app.kit.money import Amount
from app.notifications.facts import MessageFacts, email_only
from app.notifications.rules import MessageKind, Topic


@dataclass(frozen=True)
class GoodsOrderPaid(MessageFacts):
    """An order of goods was paid. `goods` has a line for each product, `next_step` says
    what happens to them, in a sentence."""

    kind = MessageKind("goods_order_paid", Topic.TRADES)
    order: PublicId
    number: int
    next_step: str
    goods: str
    tax: Amount
    shipping: Amount
    insurance: Amount
    total: Amount
    paid_at: datetime


@dataclass(frozen=True)
class GoodsOrderWaiting(MessageFacts):
    """An order of goods waits for a bank transfer. `goods` has a line for each product."""

    kind = MessageKind("goods_order_waiting", Topic.TRADES)
    order: PublicId
    number: int
    goods: str
    total: Amount
    transfer: Amount
    due_at: datetime


@dataclass(frozen=True)
class GoodsOrderReminder(MessageFacts):
    """An order of goods still waits for a bank transfer, and its time ends soon."""

    kind = MessageKind("goods_order_reminder", Topic.TRADES)
    order: PublicId
    number: int
    total: Amount
    transfer: Amount
    due_at: datetime


@dataclass(frozen=True)
class GoodsOrderNote(MessageFacts):
    """Staff wrote a note to the customer of an order of goods."""

    kind = MessageKind("goods_order_note", Topic.TRADES)
    order: PublicId
    number: int
    note: str


@dataclass(frozen=True)
class GoodsOrderHeld(MessageFacts):
    """An order of goods is being checked before its goods are sold. `goods` has a line for each
    product."""

    kind = MessageKind("goods_order_held", Topic.TRADES)
    order: PublicId
    number: int
    goods: str
    total: Amount


@dataclass(frozen=True)
class OrderReviewDue(MessageFacts):
    """The time to review an order on hold is over soon. `follows` says what happens then, in a
    sentence."""

    kind = email_only("order_review_due", Topic.DUTIES, cause="you work at PBCEx and review orders")
    order: PublicId
    number: int
    ends_at: datetime
    follows: str


@dataclass(frozen=True)
class GoodsOrderReaddressed(MessageFacts):
    """A paid order of goods goes to another address, in one line, since its customer changed it."""

    kind = MessageKind("goods_order_readdressed", Topic.TRADES)
    order: PublicId
    number: int
    address: str
    changed_at: datetime


@dataclass(frozen=True)
class GoodsOrderStopped(MessageFacts):
    """A paid order of goods is not sent, because its payment is disputed."""

    kind = MessageKind("goods_order_stopped", Topic.TRADES)
    order: PublicId
    number: int
    total: Amount


@dataclass(frozen=True)
class GoodsOrderCancelled(MessageFacts):
    """An order of goods ended before it was paid. The reason is a sentence."""

    kind = MessageKind("goods_order_cancelled", Topic.TRADES)
    order: PublicId
    number: int
    reason: str
    total: Amount
