"""Tables of the messages."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base


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
