"""Tables of screening."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum
from app.screening.rules import Verdict


class SanctionsList(Base):
    """A version of the sanctions list, as it was imported."""

    __tablename__ = "sanctions_lists"
    __table_args__ = (
        sa.CheckConstraint("version > 0", name="list_version_counts_from_one"),
        sa.CheckConstraint("octet_length(digest) = 32", name="list_digest_is_sha256"),
        sa.CheckConstraint("entries > 0", name="list_names_somebody"),
    )

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: SHA-256 of the files.
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary)
    imported_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    entries: Mapped[int]
    aliases: Mapped[int]
    addresses: Mapped[int]
    wallets: Mapped[int]
    #: Changes against the previous version.
    added: Mapped[int]
    changed: Mapped[int]
    removed: Mapped[int]
    #: Since when screenings use it; None until the processes that screen have indexed it.
    current_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class ScreeningProcess(Base):
    """A running process that indexes the list ahead of its use, and the newest version it has."""

    __tablename__ = "screening_processes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ready_version: Mapped[int]
    seen_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class SanctionsEntry(Base):
    """A listed party as it was in the versions from `since` until before `until`.

    An entry that does not change from one version to the next is stored once.
    """

    __tablename__ = "sanctions_entries"
    __table_args__ = (
        sa.CheckConstraint(
            "sort IN ('individual', 'entity', 'vessel', 'aircraft')", name="entry_sort_known"
        ),
        sa.CheckConstraint("until > since", name="entry_ends_after_start"),
        sa.Index(
            "sanctions_entries_number_key",
            "number",
            unique=True,
            postgresql_where=sa.text("until IS NULL"),
        ),
        sa.Index("sanctions_entries_until_idx", "until"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: The party's number on the list.
    number: Mapped[int]
    since: Mapped[int] = mapped_column(sa.ForeignKey("sanctions_lists.version"))
    until: Mapped[int | None] = mapped_column(sa.ForeignKey("sanctions_lists.version"))
    #: SHA-256 of the whole entry.
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary)
    name: Mapped[str] = mapped_column(sa.Text)
    sort: Mapped[str] = mapped_column(sa.Text)
    programs: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    remarks: Mapped[str] = mapped_column(sa.Text)
    #: Title, and a ship's particulars: texts by name.
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    #: [[kind, name, remarks], …]
    aliases: Mapped[list[Any]] = mapped_column(JSONB)
    #: [[street, city, country, remarks], …]
    addresses: Mapped[list[Any]] = mapped_column(JSONB)


class Screening(Base):
    """A check of a subject against a version of the list."""

    __tablename__ = "screenings"
    __table_args__ = (
        sa.CheckConstraint(
            "verdict IN ('clear', 'review', 'incomplete', 'blocked')",
            name="screening_verdict_known",
        ),
        sa.CheckConstraint("octet_length(subject_key) = 32", name="subject_key_is_sha256"),
        sa.CheckConstraint("threshold BETWEEN 1 AND 100", name="threshold_is_a_score"),
        sa.CheckConstraint("verdict <> 'review' OR case_id IS NOT NULL", name="review_has_a_case"),
        sa.Index("screenings_person_id_id_idx", "person_id", "id"),
        sa.Index("screenings_case_id_idx", "case_id"),
        sa.Index("screenings_about_id_idx", "about", "id"),
        sa.Index("screenings_found_idx", "id", postgresql_where=sa.text("verdict <> 'clear'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    list_version: Mapped[int] = mapped_column(sa.ForeignKey("sanctions_lists.version"))
    #: `onboarding`, `payout`, … as named by the room that screens.
    purpose: Mapped[str] = mapped_column(sa.Text)
    #: The public id of what it was screened for.
    about: Mapped[str] = mapped_column(sa.Text)
    #: The subject's account, if there is one.
    person_id: Mapped[UUID | None]
    #: JSON: names, birth date, countries; or a wallet address.
    subject_sealed: Mapped[bytes] = mapped_column(Sealed)
    #: A blind index: the same subject has the same key, which reveals no name.
    subject_key: Mapped[bytes] = mapped_column(sa.LargeBinary)
    threshold: Mapped[int] = mapped_column(sa.SmallInteger)
    verdict: Mapped[Verdict] = mapped_column(StoredEnum(Verdict))
    case_id: Mapped[UUID | None]
    screened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class ScreeningHit(Base):
    """An entry of the list that a screening found."""

    __tablename__ = "screening_hits"
    __table_args__ = (
        sa.CheckConstraint("score BETWEEN 0 AND 100", name="hit_score_is_a_score"),
        sa.CheckConstraint("likeness BETWEEN 0 AND 100", name="hit_likeness_is_a_score"),
        sa.Index("screening_hits_screening_id_idx", "screening_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    screening_id: Mapped[UUID] = mapped_column(sa.ForeignKey("screenings.id"))
    entry_number: Mapped[int]
    #: The most similar listed name, or the listed wallet address.
    listed: Mapped[str] = mapped_column(sa.Text)
    #: `name`, `aka`, `fka`, `nka`, `weak`, `wallet` or `number`.
    matched: Mapped[str] = mapped_column(sa.Text)
    score: Mapped[int] = mapped_column(sa.SmallInteger)
    birth: Mapped[str] = mapped_column(sa.Text)
    country: Mapped[str] = mapped_column(sa.Text)
    #: Whether a number of the subject is listed.
    number: Mapped[str] = mapped_column(sa.Text, server_default="unknown")
    #: How alike the names are, before the other facts; unknown of hits before it was stored.
    likeness: Mapped[int | None] = mapped_column(sa.SmallInteger)
    #: Whether it was decided earlier to be a false positive.
    cleared: Mapped[bool]


class ScreeningDecision(Base):
    """Whether a subject is a listed party, as staff decided."""

    __tablename__ = "screening_decisions"
    __table_args__ = (
        sa.CheckConstraint("decision IN ('match', 'no_match')", name="decision_known"),
        sa.Index(
            "screening_decisions_subject_entry_key",
            "subject_key",
            "entry_number",
            unique=True,
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
        sa.Index(
            "screening_decisions_match_person_id_idx",
            "person_id",
            postgresql_where=sa.text("decision = 'match' AND lifted_at IS NULL"),
        ),
        sa.Index("screening_decisions_case_id_idx", "case_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_key: Mapped[bytes] = mapped_column(sa.LargeBinary)
    person_id: Mapped[UUID | None]
    entry_number: Mapped[int]
    decision: Mapped[str] = mapped_column(sa.Text)
    case_id: Mapped[UUID]
    decided_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    #: When its case was reopened.
    lifted_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
