"""Tables of data rights."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.privacy.rules import ExportStatus

Instant = sa.DateTime(timezone=True)


class Consent(Base):
    """A person's decision about one version of a policy. The latest decision counts."""

    __tablename__ = "consents"
    __table_args__ = (
        sa.CheckConstraint("version > 0", name="policy_version_counts_from_one"),
        sa.CheckConstraint("channel IN ('registration', 'api')", name="consent_channel_known"),
        sa.Index("consents_user_id_id_idx", "user_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    policy: Mapped[str] = mapped_column(sa.Text)
    version: Mapped[int] = mapped_column(sa.Integer)
    #: True: consent given; false: withdrawn.
    given: Mapped[bool] = mapped_column(sa.Boolean)
    decided_at: Mapped[datetime] = mapped_column(Instant)
    channel: Mapped[str] = mapped_column(sa.Text)


class Export(Base):
    """A person's request for a copy of their data, and the archive while it is kept."""

    __tablename__ = "exports"
    __table_args__ = (
        sa.CheckConstraint(
            "status IN ('pending', 'ready', 'expired', 'cancelled')", name="export_status_known"
        ),
        sa.CheckConstraint(
            "num_nonnulls(file_id, key_sealed) = CASE status WHEN 'ready' THEN 2 ELSE 0 END",
            name="archive_while_ready",
        ),
        sa.CheckConstraint(
            "num_nulls(ready_at, expires_at, size_bytes) IN (0, 3)", name="ready_is_whole"
        ),
        sa.CheckConstraint(
            "status = 'cancelled' OR (ready_at IS NULL) = (status = 'pending')",
            name="ready_says_when",
        ),
        sa.Index(
            "exports_one_pending_key",
            "user_id",
            unique=True,
            postgresql_where=sa.text("status = 'pending'"),
        ),
        sa.Index("exports_user_id_id_idx", "user_id", "id"),
        sa.Index(
            "exports_ready_expires_at_idx",
            "expires_at",
            postgresql_where=sa.text("status = 'ready'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    status: Mapped[ExportStatus] = mapped_column(StoredEnum(ExportStatus))
    requested_at: Mapped[datetime] = mapped_column(Instant)
    ready_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    size_bytes: Mapped[int | None] = mapped_column(sa.Integer)
    #: The archive (keys/files.py), and the key of its parts.
    file_id: Mapped[UUID | None]
    key_sealed: Mapped[bytes | None] = mapped_column(Sealed)


class Erasure(Base):
    """The erasure of a person, and until when the remaining records are retained."""

    __tablename__ = "erasures"
    __table_args__ = (sa.CheckConstraint("kept_until > erased_at", name="kept_for_a_while"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"), unique=True)
    erased_at: Mapped[datetime] = mapped_column(Instant)
    kept_until: Mapped[datetime] = mapped_column(Instant)
    #: The request that a second member of staff approved; null if the person asked themselves.
    approval_id: Mapped[UUID | None]
