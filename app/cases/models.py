"""Tables of cases."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.cases.rules import CaseState
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum


class Case(Base):
    """A finding to investigate. Its facts are sealed: they may name people."""

    __tablename__ = "cases"
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'closed')", name="case_state_known"),
        sa.CheckConstraint(
            "num_nulls(closed_at, disposition) = CASE state WHEN 'open' THEN 2 ELSE 0 END",
            name="closed_case_says_how",
        ),
        sa.CheckConstraint("closed_by IS NULL OR state = 'closed'", name="open_case_has_no_closer"),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 200", name="case_title_has_a_length"),
        sa.Index(
            "cases_one_open_key",
            "kind",
            "key",
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("cases_kind_key_idx", "kind", "key"),
        sa.Index("cases_state_id_idx", "state", "id"),
        sa.Index("cases_person_id_idx", "person_id"),
        sa.Index(
            "cases_title_idx",
            sa.literal_column("lower(title)").label("words"),
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: `noun.event`, as named by the room that opens such cases.
    kind: Mapped[str] = mapped_column(sa.Text)
    #: Identifies the finding: one open case for each kind and key.
    key: Mapped[str] = mapped_column(sa.Text)
    #: The public id of what it is about.
    subject: Mapped[str] = mapped_column(sa.Text)
    #: The account of the person it is about, if there is one.
    person_id: Mapped[UUID | None]
    #: Never names anyone.
    title: Mapped[str] = mapped_column(sa.Text)
    #: JSON: texts by name.
    facts_sealed: Mapped[bytes] = mapped_column(Sealed)
    state: Mapped[CaseState] = mapped_column(StoredEnum(CaseState))
    #: The member of staff who investigates it.
    assignee_id: Mapped[UUID | None]
    opened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    #: Null if the system closed it.
    closed_by: Mapped[UUID | None]
    disposition: Mapped[str | None] = mapped_column(sa.Text)


class CaseEvent(Base):
    """An event of a case: only ever added."""

    __tablename__ = "case_events"
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('opened', 'noted', 'assigned', 'closed', 'reopened', 'followed')",
            name="case_event_known",
        ),
        sa.CheckConstraint(
            "(kind = 'closed') = (disposition IS NOT NULL)", name="closing_says_how"
        ),
        sa.CheckConstraint(
            "kind NOT IN ('noted', 'closed', 'reopened', 'followed') OR text_sealed IS NOT NULL",
            name="case_event_says_what",
        ),
        sa.Index("case_events_case_id_id_idx", "case_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(sa.ForeignKey("cases.id"))
    kind: Mapped[str] = mapped_column(sa.Text)
    #: Null for the system.
    actor_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: A note, the reason, or what followed.
    text_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    #: The new assignee; null if it was unassigned.
    assignee_id: Mapped[UUID | None]
    disposition: Mapped[str | None] = mapped_column(sa.Text)
