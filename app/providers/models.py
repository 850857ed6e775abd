"""Tables of providers."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base

Instant = sa.DateTime(timezone=True)


class ProviderCall(Base):
    """One call to a provider: its purpose and its outcome. Neither bodies nor keys."""

    __tablename__ = "provider_calls"
    __table_args__ = (
        sa.CheckConstraint(
            "outcome IN ('pending', 'answered', 'refused', 'away', 'unknown')",
            name="call_outcome_known",
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (outcome = 'pending')", name="ended_if_not_pending"
        ),
        sa.CheckConstraint("attempt > 0", name="attempts_count_from_one"),
        sa.Index("provider_calls_reference_idx", "reference"),
        sa.Index("provider_calls_began_at_idx", "began_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(sa.Text)
    #: The operation of the provider's protocol, such as `payouts.create`.
    operation: Mapped[str] = mapped_column(sa.Text)
    #: Our public id of what the call is about: the idempotency key.
    reference: Mapped[str] = mapped_column(sa.Text)
    #: The number of the attempt, counted from one.
    attempt: Mapped[int] = mapped_column(sa.Integer)
    began_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[str] = mapped_column(sa.Text)
    #: The provider's refusal code, or the kind of failure.
    code: Mapped[str | None] = mapped_column(sa.Text)
    #: What was agreed, where the provider's answers do not repeat it: an adapter's own words.
    terms: Mapped[str] = mapped_column(sa.Text, server_default=sa.text("''"))


class WebhookEvent(Base):
    """An event that a provider sent by webhook, stored once."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        sa.UniqueConstraint("provider", "event_id", name="webhook_events_provider_event_id_key"),
        sa.Index("webhook_events_received_at_idx", "received_at"),
        sa.Index("webhook_events_subject_idx", "provider", "subject"),
        sa.Index(
            "webhook_events_body_of_idx",
            "body_of",
            postgresql_where=sa.text("body_of IS NOT NULL"),
        ),
        sa.CheckConstraint("deliveries > 0", name="deliveries_count_from_one"),
        sa.CheckConstraint(
            "(body_sealed IS NULL) = (body_of IS NOT NULL)", name="one_body_for_each_delivery"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(sa.Text)
    event_id: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    #: The provider's id of what the event is about.
    subject: Mapped[str] = mapped_column(sa.Text)
    #: The signed body: evidence, and personal data. One event of each delivery holds it.
    body_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    #: The event of the same delivery that holds the body of this one.
    body_of: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("webhook_events.id", ondelete="CASCADE")
    )
    received_at: Mapped[datetime] = mapped_column(Instant)
    #: How often the event was delivered.
    deliveries: Mapped[int] = mapped_column(sa.Integer, server_default=sa.text("1"))
