"""Tables of keys."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base

Instant = sa.DateTime(timezone=True)


class KeyRotation(Base):
    """The progress of one pass over all sealed values that rewraps them by one key."""

    __tablename__ = "key_rotations"
    __table_args__ = (
        sa.CheckConstraint("key_id ~ '^[0-9a-f]{16}$'", name="key_id_is_hexadecimal"),
        sa.CheckConstraint("rewrapped >= 0 AND unreadable >= 0", name="values_not_negative"),
        sa.CheckConstraint("(at_table IS NULL) = (at_column IS NULL)", name="place_is_whole"),
        sa.Index(
            "key_rotations_unfinished_key",
            sa.text("(finished_at IS NULL)"),
            unique=True,
            postgresql_where=sa.text("finished_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The ring key that wraps every value after the rotation.
    key_id: Mapped[str] = mapped_column(sa.Text)
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    #: The current column, and the key of the last row done in it; null: the whole column is done.
    at_table: Mapped[str | None] = mapped_column(sa.Text)
    at_column: Mapped[str | None] = mapped_column(sa.Text)
    after_key: Mapped[str | None] = mapped_column(sa.Text)
    #: Whether this pass rewrapped anything; the rotation ends with a pass that did not.
    pass_changed: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.text("false"))
    rewrapped: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    #: The values of the current pass that no key of the ring can unwrap.
    unreadable: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))


class FilePart(Base):
    """A part of a file (keys/files.py), encrypted under the key that the file's owner has."""

    __tablename__ = "file_parts"
    __table_args__ = (
        sa.CheckConstraint("number > 0", name="part_counts_from_one"),
        sa.Index("file_parts_expires_at_idx", "expires_at"),
    )

    file_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(Instant)
