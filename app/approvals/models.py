"""Tables of approvals."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.approvals.rules import ApprovalStatus
from app.kit.db import Base
from app.kit.statements import StoredEnum

_STATUSES = "'pending', 'approved', 'rejected', 'withdrawn', 'superseded', 'outdated', 'expired'"


class Approval(Base):
    """A request for an act that a second person approves."""

    __tablename__ = "approvals"
    __table_args__ = (
        sa.CheckConstraint(f"status IN ({_STATUSES})", name="approval_status_known"),
        sa.CheckConstraint("octet_length(hash) = 32", name="approval_hash_is_sha256"),
        sa.CheckConstraint("checker_id <> maker_id", name="maker_is_not_checker"),
        sa.CheckConstraint("checker_id <> subject_id", name="subject_is_not_checker"),
        sa.CheckConstraint("(decided_at IS NULL) = (status = 'pending')", name="decided_if_ended"),
        sa.CheckConstraint(
            "(checker_id IS NOT NULL) = (status IN ('approved', 'rejected'))",
            name="checker_if_decided",
        ),
        sa.CheckConstraint("expires_at > created_at", name="approval_expires_after_start"),
        sa.Index(
            "approvals_one_pending_key",
            "action",
            "subject",
            unique=True,
            postgresql_where=sa.text("status = 'pending'"),
        ),
        sa.Index("approvals_status_id_idx", "status", "id"),
        sa.Index("approvals_subject_idx", "subject"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The name of the action, as its room registered it.
    action: Mapped[str] = mapped_column(sa.Text)
    #: The public id of the subject.
    subject: Mapped[str] = mapped_column(sa.Text)
    #: The person that the request is about, if its subject is a person.
    subject_id: Mapped[UUID | None]
    #: The arguments of the action, and the state before and after it: texts by name.
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    #: SHA-256 of the request (rules.digest).
    hash: Mapped[bytes] = mapped_column(sa.LargeBinary)
    reason: Mapped[str] = mapped_column(sa.Text)
    maker_id: Mapped[UUID]
    status: Mapped[ApprovalStatus] = mapped_column(StoredEnum(ApprovalStatus))
    checker_id: Mapped[UUID | None]
    decision_reason: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    decided_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class ApprovalEvent(Base):
    """A transition of a request from one status to another."""

    __tablename__ = "approval_events"
    __table_args__ = (sa.Index("approval_events_approval_id_idx", "approval_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    approval_id: Mapped[UUID] = mapped_column(sa.ForeignKey("approvals.id"))
    #: Null for the first event.
    from_status: Mapped[str | None] = mapped_column(sa.Text)
    to_status: Mapped[str] = mapped_column(sa.Text)
    #: Null when the request expired.
    actor_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
