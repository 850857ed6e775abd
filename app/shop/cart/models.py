"""Tables of carts."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class CartRow(Base):
    """A cart: of a person, or of anyone who has its token."""

    __tablename__ = "carts"
    __table_args__ = (
        sa.CheckConstraint("(user_id IS NULL) <> (token_hash IS NULL)", name="cart_has_one_holder"),
        sa.CheckConstraint("expires_at > changed_at", name="cart_expires_later"),
        sa.Index("carts_expires_at_idx", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("users.id"), unique=True)
    #: The SHA-256 of the token that a visitor was given.
    token_hash: Mapped[bytes | None] = mapped_column(sa.LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    changed_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class CartItemRow(Base):
    """Units of a product in a cart."""

    __tablename__ = "cart_items"
    __table_args__ = (
        sa.CheckConstraint("quantity BETWEEN 1 AND 10000", name="cart_quantity_within_limits"),
    )

    cart_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True
    )
    sku: Mapped[str] = mapped_column(sa.Text, sa.ForeignKey("products.sku"), primary_key=True)
    quantity: Mapped[int]
    added_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
