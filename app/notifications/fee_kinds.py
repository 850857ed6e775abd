"""The kinds of messages about storage fees, as `kinds` describes them."""

from dataclasses import dataclass

from app.kit.ids import PublicId
from app.kit.money import Amount
from app.notifications.facts import MessageFacts
from app.notifications.rules import MessageKind, Topic


@dataclass(frozen=True)
class StorageFeeCharged(MessageFacts):
    """The storage fee of a month was paid. `paid` says from what; `explanation` has the arithmetic,
    one line for each metal, or for each rate of it."""

    kind = MessageKind("storage_fee_charged", Topic.DEPOSITS, sms_version=0)
    charge: PublicId
    month: str
    fee: Amount
    paid: str
    explanation: str


@dataclass(frozen=True)
class StorageFeeOwed(MessageFacts):
    """The storage fee of a month was not paid in full. `owed` is the rest; `paid` says from what
    the other part was paid, and is empty where nothing was."""

    kind = MessageKind("storage_fee_owed", Topic.DEPOSITS, sms_version=0)
    charge: PublicId
    month: str
    fee: Amount
    owed: Amount
    paid: str
    explanation: str


@dataclass(frozen=True)
class StorageFeeWaived(MessageFacts):
    """The storage fee of a month was waived after it was charged."""

    kind = MessageKind("storage_fee_waived", Topic.DEPOSITS, sms_version=0)
    charge: PublicId
    month: str
    fee: Amount
