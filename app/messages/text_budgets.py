"""How many text messages a person, and a phone, receive at most. Further ones are not sent.

A text costs money, and its phone may be a stranger's. What it says is in the inbox all the same.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import sqlalchemy as sa

from app.keys import service as keys
from app.kit.db import Session
from app.kit.formatting import format_number_of
from app.limits import queries as limits_queries
from app.limits import service as limits_service
from app.limits.queries import Demand
from app.limits.registry import Limit
from app.messages.models import TextMessage
from app.settings.queries import current
from app.settings.rules import setting, settings_group


@settings_group("texts", "Text messages")
@dataclass(frozen=True, slots=True)
class TextBudgets:
    """How many text messages may be sent."""

    per_person_hour: int = setting(
        "To one person in an hour", 10, minimum=1, maximum=1000, unit="messages"
    )
    per_phone_day: int = setting(
        "To one phone in 24 hours",
        30,
        minimum=1,
        maximum=1000,
        unit="messages",
        about="Also when several people have its number in their profiles.",
    )


_write = partial(format_number_of, one="text message")
_PERSON_HOUR = Limit("texts_hour", "text messages", timedelta(hours=1), _write)
_PHONE_DAY = Limit("texts_phone_day", "text messages to this phone", timedelta(days=1), _write)
for limit, owner in (
    (_PERSON_HOUR, TextMessage.user_id.label("owner")),
    (_PHONE_DAY, TextMessage.phone_index.label("owner")),
):
    limit.count(
        sa.select(
            owner,
            TextMessage.id.label("id"),
            TextMessage.handed_over_at.label("at"),
            sa.literal_column("1", sa.Integer).label("units"),
        ).where(TextMessage.handed_over_at.is_not(None))
    )


def index_phone(phone: str) -> bytes:
    """Return the blind index of a phone number."""
    return keys.blind_index(phone, table="texts", column="phone_index")


def is_used_up(session: Session, user_id: UUID, phone: str, *, besides: UUID) -> bool:
    """Return whether one more text would exceed the budget of the person or of the phone.

    `besides` is the id of the text, which may have been handed over before.
    """
    budgets, index = current(session, TextBudgets), index_phone(phone)
    limits_service.lock(session, [user_id])
    limits_service.lock(session, [index])
    by_person = Demand(_PERSON_HOUR, budgets.per_person_hour, 1)
    by_phone = Demand(_PHONE_DAY, budgets.per_phone_day, 1)
    usages = [
        *limits_queries.usages(session, [user_id], [by_person], besides=besides),
        *limits_queries.usages(session, [index], [by_phone], besides=besides),
    ]
    return any(usage.is_exceeded for usage in usages)
