"""Tables of messages."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base


def _delivery_known(prefix: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        "delivery IN ('delivered', 'undelivered', 'bounced')", name=f"{prefix}_delivery_known"
    )


def _delivery_says_when(prefix: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        "(delivery IS NULL) = (delivery_at IS NULL)", name=f"{prefix}_delivery_says_when"
    )


class Message(Base):
    """A message in a person's inbox, as rendered."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "event_key"),
        sa.CheckConstraint("read_at >= created_at", name="read_after_created"),
        sa.Index("messages_user_id_id_idx", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    #: The key of the event; one event makes one message.
    event_key: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    #: The version of the template that it was rendered from.
    version: Mapped[int] = mapped_column(sa.SmallInteger)
    subject: Mapped[str] = mapped_column(sa.Text)
    body: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    read_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class Mail(Base):
    """The delivery record of one email.

    Neither its text nor its address is stored: both are made again for each attempt, so that no
    link is ever in the database. Only the final email to an erased person stores its address,
    sealed, until it is settled.
    """

    __tablename__ = "mails"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "event_key"),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'refused', 'dropped', 'bundled')",
            name="mail_state_known",
        ),
        sa.CheckConstraint(
            "(state = 'bundled') = (bundle_id IS NOT NULL)", name="bundled_says_with_which"
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
        sa.Index(
            "mails_waiting_idx", "user_id", "kind", postgresql_where=sa.text("state = 'waiting'")
        ),
        sa.Index(
            "mails_bundle_id_idx", "bundle_id", postgresql_where=sa.text("bundle_id IS NOT NULL")
        ),
    )

    #: Its Message-ID is made from this ID and stays the same.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    event_key: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text)
    #: The email that this one is a part of.
    bundle_id: Mapped[UUID | None]
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    #: Attempts of which we never learned whether the server accepted the email.
    uncertain: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    #: Until then the email belongs to one worker.
    claimed_until: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    staged_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: The email address of an erased person, which is stored nowhere else.
    recipient_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    #: The delivery status that the provider reported; SMTP reports none.
    delivery: Mapped[str | None] = mapped_column(sa.Text)
    delivery_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class TextMessage(Base):
    """The delivery record of one SMS. Its text is not stored, its number as a blind index."""

    __tablename__ = "texts"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "event_key"),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'refused', 'dropped', 'bundled')",
            name="text_state_known",
        ),
        sa.CheckConstraint(
            "(state = 'bundled') = (bundle_id IS NOT NULL)", name="text_bundled_says_with_which"
        ),
        sa.CheckConstraint(
            "phone_index IS NULL OR octet_length(phone_index) = 32",
            name="text_phone_index_is_a_mac",
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
        sa.Index(
            "texts_waiting_idx", "user_id", "kind", postgresql_where=sa.text("state = 'waiting'")
        ),
        sa.Index(
            "texts_bundle_id_idx", "bundle_id", postgresql_where=sa.text("bundle_id IS NOT NULL")
        ),
        sa.Index(
            "texts_phone_index_handed_over_at_idx",
            "phone_index",
            "handed_over_at",
            postgresql_where=sa.text("handed_over_at IS NOT NULL"),
        ),
    )

    #: Its last characters end the SMS, as the reference by which it is found again.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The SMS that this one is a part of.
    bundle_id: Mapped[UUID | None]
    #: Blind index of the phone that it was handed over for.
    phone_index: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    user_id: Mapped[UUID]
    event_key: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text)
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    #: Attempts of which we did not learn at once whether the carrier accepted the SMS.
    uncertain: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("0"))
    claimed_until: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: When it was last handed to the carrier; NULL once the carrier is known not to have it.
    handed_over_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    staged_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    carrier_id: Mapped[str | None] = mapped_column(sa.Text)
    delivery: Mapped[str | None] = mapped_column(sa.Text)
    delivery_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class NotificationChoice(Base):
    """A person's choice whether to be notified of a topic by a channel.

    Without a row the default of `app.messages.rules` applies.
    """

    __tablename__ = "notification_choices"

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    channel: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    wanted: Mapped[bool]
    chosen_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
