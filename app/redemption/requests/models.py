"""Tables of redemptions."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.flags.rules import FulfilmentStrategy
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.redemption.requests.rules import PaidIn, RedemptionStatus


class RedemptionRow(Base):
    """A redemption. What it costs and which pieces it has is in its quote."""

    __tablename__ = "redemptions"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('pending_approval', 'approved', 'allocated', 'picking', 'shipped',"
            " 'delivered', 'rejected', 'cancelled', 'expired')",
            name="redemption_status_known",
        ),
        sa.CheckConstraint("strategy IN ('JM', 'BRINKS')", name="redemption_strategy_known"),
        sa.CheckConstraint("paid_in IN ('balance', 'metal')", name="redemption_payment_known"),
        sa.CheckConstraint(
            "(status IN ('approved', 'allocated', 'picking', 'shipped', 'delivered'))"
            " = (approved_at IS NOT NULL AND ended_at IS NULL)",
            name="approved_redemption_says_when",
        ),
        sa.CheckConstraint(
            "(status IN ('rejected', 'cancelled', 'expired')) = (ended_at IS NOT NULL)",
            name="ended_redemption_says_when",
        ),
        sa.CheckConstraint(
            "(status = 'delivered') = (delivered_at IS NOT NULL)",
            name="delivered_redemption_says_when",
        ),
        sa.CheckConstraint("expires_at > submitted_at", name="redemption_expires_later"),
        sa.Index("redemptions_user_id_id_idx", "user_id", "id"),
        sa.Index(
            "redemptions_waiting_idx",
            "expires_at",
            postgresql_where=sa.text("status = 'pending_approval'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    #: The prices that were promised, each used once.
    quote_id: Mapped[UUID] = mapped_column(sa.ForeignKey("redemption_quotes.id"), unique=True)
    status: Mapped[RedemptionStatus] = mapped_column(StoredEnum(RedemptionStatus))
    strategy: Mapped[FulfilmentStrategy] = mapped_column(StoredEnum(FulfilmentStrategy))
    #: Where it is shipped to; null if it is collected.
    shipping_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    paid_in: Mapped[PaidIn] = mapped_column(StoredEnum(PaidIn))
    #: The holds on the customer's metal, and on the dollars that pay for the rest.
    metal_hold_id: Mapped[UUID]
    money_hold_id: Mapped[UUID | None]
    submitted_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: Until when it has to be decided.
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    approved_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    delivered_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class RedemptionPart(Base):
    """Units of a quoted item at one location, or one bar. Never changes."""

    __tablename__ = "redemption_parts"
    __table_args__ = (
        sa.CheckConstraint("units > 0", name="redemption_part_has_units"),
        sa.Index("redemption_parts_redemption_id_idx", "redemption_id", "position"),
        sa.Index("redemption_parts_location_id_idx", "location_id"),
    )

    #: The hold that reserves the units until the redemption is approved.
    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(sa.ForeignKey("redemptions.id"))
    #: The position of the item in the quote.
    position: Mapped[int] = mapped_column(sa.SmallInteger)
    location_id: Mapped[UUID] = mapped_column(sa.ForeignKey("locations.id"))
    units: Mapped[int]


class RedemptionEventRow(Base):
    """A change of a redemption's status, with the actor and the evidence. Never changes."""

    __tablename__ = "redemption_events"
    __table_args__ = (sa.Index("redemption_events_redemption_id_id_idx", "redemption_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(sa.ForeignKey("redemptions.id"))
    from_status: Mapped[RedemptionStatus | None] = mapped_column(StoredEnum(RedemptionStatus))
    to_status: Mapped[RedemptionStatus] = mapped_column(StoredEnum(RedemptionStatus))
    actor_id: Mapped[UUID | None]
    evidence: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
