"""The kinds of messages about goods that come back, as `kinds` describes them."""

from dataclasses import dataclass

from app.kit.ids import PublicId
from app.notifications.facts import MessageFacts
from app.notifications.rules import MessageKind, Topic


@dataclass(frozen=True)
class GoodsReturnChanged(MessageFacts):
    """A return of goods went on, or ended. `news` says what happened and what to do, in whole
    sentences."""

    kind = MessageKind("goods_return_changed", Topic.TRADES)
    goods_return: PublicId
    number: int
    order_number: int
    news: str
