"""Tables of the messages."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base


def _delivery_known(what: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        "delivery IN ('delivered', 'undelivered', 'bounced')", name=f"{what}_delivery_known"
    )


def _delivery_says_when(what: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        "(delivery IS NULL) = (delivery_at IS NULL)", name=f"{what}_delivery_says_when"
    )


class Message(Base):
    """A message in a person's inbox, as it was rendered."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "event_key"),
        sa.CheckConstraint("read_at >= created_at", name="read_after_created"),
        sa.Index("messages_user_id_id_idx", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    #: The event it tells of; the same event makes no second message.
    event_key: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    #: Which version of the kind's template wrote it.
    version: Mapped[int] = mapped_column(sa.SmallInteger)
    subject: Mapped[str] = mapped_column(sa.Text)
    body: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    read_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class Mail(Base):
    """What became of one e-mail. Neither its text nor its address is kept: both are made anew for
    each attempt, so that no link ever lies in the database. Only the last mail to somebody who was
    erased carries its address along, sealed, until it is settled."""

    __tablename__ = "mails"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "event_key"),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'refused', 'dropped')", name="mail_state_known"
        ),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_says_when"),
        sa.CheckConstraint(
            "(state = 'sending') = (claimed_until IS NOT NULL)", name="sending_is_claimed"
        ),
        sa.CheckConstraint(
            "state NOT IN ('refused', 'dropped') OR last_error IS NOT NULL",
            name="not_sent_says_why",
        ),
        sa.CheckConstraint("attempts >= 0 AND uncertain >= 0", name="mail_counts_not_negative"),
        sa.CheckConstraint(
            "recipient_sealed IS NULL OR state IN ('waiting', 'sending')",
            name="recipient_until_settled",
        ),
        _delivery_known("mail"),
        _delivery_says_when("mail"),
        sa.Index("mails_staged_at_idx", "staged_at"),
    )

    #: Also names the mail to servers: its Message-ID is made of it and stays the same.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    event_key: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text)
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    #: Of the attempts, those of which we never learned whether the server took the mail.
    uncertain: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    #: Until then one worker is at it, and others keep away.
    claimed_until: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    staged_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: Where it goes, for somebody whose address is kept nowhere else any more.
    recipient_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    #: What whoever carried it says of its arrival; SMTP says nothing.
    delivery: Mapped[str | None] = mapped_column(sa.Text)
    delivery_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class TextMessage(Base):
    """What became of one text message. Neither its text nor its number is kept."""

    __tablename__ = "texts"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "event_key"),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'refused', 'dropped')", name="text_state_known"
        ),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="text_sent_says_when"),
        sa.CheckConstraint("carrier_id IS NULL OR state = 'sent'", name="carried_if_sent"),
        sa.CheckConstraint(
            "(state = 'sending') = (claimed_until IS NOT NULL)", name="text_sending_is_claimed"
        ),
        sa.CheckConstraint(
            "state NOT IN ('refused', 'dropped') OR last_error IS NOT NULL",
            name="text_not_sent_says_why",
        ),
        sa.CheckConstraint("attempts >= 0 AND uncertain >= 0", name="text_counts_not_negative"),
        _delivery_known("text"),
        _delivery_says_when("text"),
        sa.Index("texts_staged_at_idx", "staged_at"),
        sa.Index("texts_carrier_id_key", "carrier_id", unique=True),
    )

    #: Its last characters stand in the message, as the reference by which it is found again.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    event_key: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text)
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    #: Of the attempts, those of which we did not learn at once whether the carrier took it.
    uncertain: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    claimed_until: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: When it was last handed to the carrier, until we know that the carrier did not take it.
    handed_over_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    staged_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    carrier_id: Mapped[str | None] = mapped_column(sa.Text)
    delivery: Mapped[str | None] = mapped_column(sa.Text)
    delivery_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class NotificationChoice(Base):
    """That somebody wants to be told of a group of events by a channel, or does not. Without a row
    it is as `app.messages.rules` says."""

    __tablename__ = "notification_choices"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    channel: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    wanted: Mapped[bool]
    chosen_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
