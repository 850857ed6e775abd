"""The kinds of messages about goods that leave."""

from dataclasses import dataclass
from datetime import date, datetime

from app.kit.ids import PublicId
from app.notifications.account_kinds import LinkFacts
from app.notifications.facts import MessageFacts, email_only
from app.notifications.rules import MessageKind, Topic


@dataclass(frozen=True)
class GoodsShipped(MessageFacts):
    """A parcel with goods left. `subject` says for what, such as `Order 10000001`."""

    kind = MessageKind("goods_shipped", Topic.TRADES)
    shipment: PublicId
    number: int
    subject: str
    evidence: str


@dataclass(frozen=True)
class GoodsDelivered(MessageFacts):
    """Goods are in the hands of their customer. `subject` says for what."""

    kind = MessageKind("goods_delivered", Topic.TRADES)
    shipment: PublicId
    number: int
    subject: str
    delivered_at: datetime


@dataclass(frozen=True)
class GoodsReady(LinkFacts):
    """Goods wait to be collected at a branch, against a code. `subject` says for what."""

    kind = email_only("goods_ready", Topic.TRADES)
    shipment: PublicId
    number: int
    subject: str
    branch: str


@dataclass(frozen=True)
class GoodsDelayed(MessageFacts):
    """Units of a shipment follow later. `subject` says for what, `goods` has a line for each
    product."""

    kind = MessageKind("goods_delayed", Topic.TRADES, sms_version=0)
    shipment: PublicId
    number: int
    subject: str
    goods: str
    expected_on: date
