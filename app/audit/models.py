"""Tables of the audit trail. Records and seals are append-only."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.access import Role
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.kit.db import Base, XactId
from app.kit.statements import StoredEnum

Instant = sa.DateTime(timezone=True)


class AuditRecord(Base):
    """One act, done or denied. `mac` is a keyed hash of every column but `xid`."""

    __tablename__ = "audit_records"
    __table_args__ = (
        sa.CheckConstraint("action ~ '^[a-z][a-z_]*\\.[a-z][a-z_]*$'", name="action_is_noun_verb"),
        sa.CheckConstraint("subject <> ''", name="subject_is_named"),
        sa.CheckConstraint("outcome IN ('done', 'denied')", name="outcome_known"),
        sa.CheckConstraint("octet_length(mac) = 32", name="mac_is_sha256"),
        sa.Index("audit_records_xid_id_idx", "xid", "id"),
        sa.Index("audit_records_actor_id_id_idx", "actor_id", "id"),
        sa.Index("audit_records_subject_id_idx", "subject", "id"),
        sa.Index("audit_records_action_id_idx", "action", "id"),
        sa.Index("audit_records_request_id_idx", "request_id"),
        sa.Index("audit_records_on_behalf_of_id_idx", "on_behalf_of", "id"),
        sa.Index("audit_records_outcome_id_idx", "outcome", "id"),
        sa.Index(
            "audit_records_reason_idx",
            sa.text("to_tsvector('simple', coalesce(reason, ''))"),
            postgresql_using="gin",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    #: The person who acted. Null for the system, the command line or an unknown person.
    actor_id: Mapped[UUID | None]
    #: Their role at that moment.
    actor_role: Mapped[Role | None] = mapped_column(StoredEnum(Role))
    session_id: Mapped[UUID | None]
    #: The person whose affairs the act is about, such as the customer of a withdrawal.
    on_behalf_of: Mapped[UUID | None]
    action: Mapped[AuditAction] = mapped_column(StoredEnum(AuditAction))
    #: The public id of what was acted on.
    subject: Mapped[str] = mapped_column(sa.Text)
    #: Canonical JSON, stored as the exact text that was hashed.
    before: Mapped[str | None] = mapped_column(sa.JSON)
    after: Mapped[str | None] = mapped_column(sa.JSON)
    reason: Mapped[str | None] = mapped_column(sa.Text)
    request_id: Mapped[str | None] = mapped_column(sa.Text)
    outcome: Mapped[AuditOutcome] = mapped_column(StoredEnum(AuditOutcome))
    #: The key of the ring that made `mac`.
    key_id: Mapped[str] = mapped_column(sa.Text)
    mac: Mapped[bytes] = mapped_column(sa.LargeBinary)
    #: The transaction that wrote the record: the sealer's watermark.
    xid: Mapped[int] = mapped_column(XactId(), server_default=sa.text("pg_current_xact_id()"))


class AuditSeal(Base):
    """A record's position in the chain. `digest` is a keyed hash of this row, the record's `mac`
    and the previous digest."""

    __tablename__ = "audit_seals"
    __table_args__ = (
        sa.CheckConstraint("position > 0", name="position_counts_from_one"),
        sa.CheckConstraint("octet_length(digest) = 32", name="digest_is_sha256"),
    )

    position: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    record_id: Mapped[UUID] = mapped_column(sa.ForeignKey("audit_records.id"), unique=True)
    xid: Mapped[int] = mapped_column(XactId())
    sealed_at: Mapped[datetime] = mapped_column(Instant)
    key_id: Mapped[str] = mapped_column(sa.Text)
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary)


class DenialCount(Base):
    """The denials of one person on one route in one hour, until they are recorded."""

    __tablename__ = "denial_counts"
    __table_args__ = (sa.Index("denial_counts_hour_idx", "hour"),)

    actor_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The method and the pattern of the path.
    route: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    #: Its beginning.
    hour: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    #: The role of the person at the first one.
    actor_role: Mapped[Role] = mapped_column(StoredEnum(Role))
    denials: Mapped[int]
    #: The codes of the refusals, each once.
    refusals: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    #: The public ids that the requests named, the first ones.
    subjects: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
