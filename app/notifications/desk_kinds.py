"""The kinds of messages about what staff do for a customer who asks for help."""

from dataclasses import dataclass

from app.kit.ids import PublicId
from app.kit.money import Amount
from app.notifications.facts import MessageFacts, email_only
from app.notifications.rules import MessageKind, Topic


@dataclass(frozen=True)
class MentionedInNote(MessageFacts):
    """A colleague wrote a note on a customer and mentioned the recipient. The customer is not
    named."""

    kind = email_only(
        "mentioned_in_note", Topic.DUTIES, cause="you work at PBCEx and a colleague mentioned you"
    )
    customer: PublicId


@dataclass(frozen=True)
class GoodwillCredited(MessageFacts):
    """Dollars were credited for goodwill."""

    kind = MessageKind("goodwill_credited", Topic.DEPOSITS, sms_version=0)
    amount: Amount
