"""Tables of returns."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.pictures.rules import FileProblem
from app.shop.returns.rules import Finding, ReturnReason, ReturnStatus, ReturnWay, ReturnWish

Instant = sa.DateTime(timezone=True)


class ShopReturn(Base):
    """A return of units of an order. Its id is that of its parcel. Its row is locked after that of
    its order."""

    __tablename__ = "shop_returns"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('requested', 'approved', 'in_transit', 'received', 'inspected',"
            " 'refunded', 'exchanged', 'sent_back', 'refused', 'cancelled')",
            name="shop_return_status_known",
        ),
        sa.CheckConstraint(
            "reason IN ('damaged', 'wrong_item', 'not_authentic', 'changed_mind')",
            name="shop_return_reason_known",
        ),
        sa.CheckConstraint("way IN ('parcel', 'branch')", name="shop_return_way_known"),
        sa.CheckConstraint("wish IN ('refund', 'exchange')", name="shop_return_wish_known"),
        sa.CheckConstraint(
            "finding IN ('as_sold', 'as_claimed', 'changed', 'not_ours')",
            name="shop_return_finding_known",
        ),
        sa.CheckConstraint(
            "(reason = 'changed_mind') = (bid_percent IS NOT NULL)",
            name="return_without_a_fault_has_terms",
        ),
        sa.CheckConstraint("bid_percent >= 0", name="shop_return_percent_not_negative"),
        sa.CheckConstraint(
            "status IN ('requested', 'refused', 'cancelled') OR location_id IS NOT NULL",
            name="approved_return_has_a_location",
        ),
        sa.CheckConstraint(
            "(status IN ('received', 'inspected', 'refunded', 'exchanged', 'sent_back'))"
            " = (received_at IS NOT NULL)",
            name="received_return_says_when",
        ),
        sa.CheckConstraint(
            "(status IN ('inspected', 'refunded', 'exchanged', 'sent_back'))"
            " = (finding IS NOT NULL)",
            name="inspected_return_has_a_finding",
        ),
        sa.CheckConstraint(
            "(status = 'refunded') = (refund_id IS NOT NULL)", name="refunded_return_has_a_refund"
        ),
        sa.CheckConstraint(
            "(status IN ('refunded', 'exchanged', 'sent_back', 'refused', 'cancelled'))"
            " = (ended_at IS NOT NULL)",
            name="ended_return_says_when",
        ),
        sa.Index("shop_returns_order_id_idx", "order_id", "id"),
        sa.Index("shop_returns_user_id_idx", "user_id", "id"),
        sa.Index(
            "shop_returns_to_decide_idx",
            "id",
            postgresql_where=sa.text("status IN ('requested', 'received', 'inspected')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: For people.
    number: Mapped[int] = mapped_column(
        sa.BigInteger, sa.Identity(always=True, start=70_000_001), unique=True
    )
    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_orders.id"))
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    status: Mapped[ReturnStatus] = mapped_column(StoredEnum(ReturnStatus))
    reason: Mapped[ReturnReason] = mapped_column(StoredEnum(ReturnReason))
    wish: Mapped[ReturnWish] = mapped_column(StoredEnum(ReturnWish))
    way: Mapped[ReturnWay] = mapped_column(StoredEnum(ReturnWay))
    #: What is added to the bid of the day, where nothing is wrong with the goods.
    bid_percent: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    #: Where the goods come to.
    location_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("locations.id"))
    finding: Mapped[Finding | None] = mapped_column(StoredEnum(Finding))
    refund_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("shop_refunds.id"), unique=True)
    requested_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class ShopReturnPart(Base):
    """Units of a part of an order in a return: those that it claims, and once the goods arrived,
    those that came."""

    __tablename__ = "shop_return_parts"
    __table_args__ = (sa.CheckConstraint("units > 0", name="shop_return_part_has_units"),)

    return_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_returns.id"), primary_key=True)
    part_position: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    units: Mapped[int] = mapped_column(sa.BigInteger)


class ShopReturnEvent(Base):
    """A change of a return's status, with the actor and the evidence. Never changes."""

    __tablename__ = "shop_return_events"
    __table_args__ = (sa.Index("shop_return_events_return_id_id_idx", "return_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    return_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_returns.id"))
    from_status: Mapped[ReturnStatus | None] = mapped_column(StoredEnum(ReturnStatus))
    to_status: Mapped[ReturnStatus] = mapped_column(StoredEnum(ReturnStatus))
    actor_id: Mapped[UUID | None]
    evidence: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(Instant)


class ShopReturnPhoto(Base):
    """A photo of goods that came back. Until it is drawn, its content is the file as it was sent;
    of one that cannot be drawn nothing is kept."""

    __tablename__ = "shop_return_photos"
    __table_args__ = (
        sa.CheckConstraint(
            "problem IN ('damaged', 'blank', 'encrypted', 'active', 'attachments', 'form',"
            " 'animated', 'too_many_pages', 'too_large', 'too_complex')",
            name="shop_return_photo_problem_known",
        ),
        sa.CheckConstraint(
            "(content_sealed IS NULL) = (problem IS NOT NULL) AND NOT (problem IS NOT NULL AND"
            " is_drawn)",
            name="shop_return_photo_is_kept_or_refused",
        ),
        sa.Index("shop_return_photos_return_id_idx", "return_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    return_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shop_returns.id"))
    added_by: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    added_at: Mapped[datetime] = mapped_column(Instant)
    is_drawn: Mapped[bool] = mapped_column(server_default=sa.false())
    problem: Mapped[FileProblem | None] = mapped_column(StoredEnum(FileProblem))
    content_sealed: Mapped[bytes | None] = mapped_column(Sealed)
