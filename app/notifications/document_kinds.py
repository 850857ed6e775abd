"""The kinds of messages about numbered documents, as `kinds` describes them."""

from dataclasses import dataclass
from datetime import datetime

from app.kit.ids import PublicId
from app.kit.money import Amount
from app.notifications.facts import MessageFacts
from app.notifications.rules import MessageKind, Topic


@dataclass(frozen=True)
class DocumentIssued(MessageFacts):
    """An invoice or a credit note has its number. `title` is its kind and number. Its email has it
    as PDF."""

    kind = MessageKind("document_issued", Topic.TRADES, sms_version=0)
    document: PublicId
    title: str
    total: Amount
    issued_at: datetime
