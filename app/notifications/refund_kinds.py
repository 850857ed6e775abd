"""The kinds of messages about refunds, as `kinds` describes them."""

from dataclasses import dataclass

from app.kit.ids import PublicId
from app.kit.money import Amount
from app.notifications.facts import MessageFacts
from app.notifications.rules import MessageKind, Topic


@dataclass(frozen=True)
class CardRefundFailed(MessageFacts):
    """A refund to a card was not possible: its amount stays in the balance."""

    kind = MessageKind("card_refund_failed", Topic.DEPOSITS)
    deposit: PublicId
    amount: Amount


@dataclass(frozen=True)
class GoodsOrderRefunded(MessageFacts):
    """Money of a paid order was given back. The reason is a sentence; `loss` is what the metal
    lost, and `owed` what the customer owes if loss and fee are more than they paid."""

    kind = MessageKind("goods_order_refunded", Topic.TRADES)
    order: PublicId
    number: int
    reason: str
    goods_value: Amount
    tax: Amount
    shipping: Amount
    loss: Amount
    fee: Amount
    received: Amount
    owed: Amount
