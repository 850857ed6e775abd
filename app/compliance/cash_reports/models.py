"""Tables of cash reports."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.branches.entities.rules import CashReportRegime
from app.catalog.rules import CashInstrument
from app.compliance.cash_reports.rules import CashDirection, CashReportStatus
from app.keys.registry import Sealed
from app.kit.db import Base
from app.kit.statements import StoredEnum

_Instant = sa.DateTime(timezone=True)


class CashTransaction(Base):
    """Cash that crossed a counter: only ever added."""

    __tablename__ = "cash_transactions"
    __table_args__ = (
        sa.CheckConstraint("direction IN ('in', 'out')", name="cash_direction_known"),
        sa.CheckConstraint(
            "instrument IN ('cash', 'cashiers_cheque', 'money_order')", name="cash_instrument_known"
        ),
        sa.CheckConstraint("amount_units > 0", name="cash_is_of_something"),
        sa.CheckConstraint("length(reference) BETWEEN 1 AND 60", name="cash_reference_length"),
        sa.Index(
            "cash_transactions_beneficiary_idx", "beneficiary_id", "legal_entity_id", "business_day"
        ),
        sa.Index(
            "cash_transactions_conductor_idx", "conductor_id", "legal_entity_id", "business_day"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    legal_entity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("legal_entities.id"))
    branch_id: Mapped[UUID] = mapped_column(sa.ForeignKey("branches.id"))
    #: Who was at the counter.
    conductor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    #: Whose money it is.
    beneficiary_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    direction: Mapped[CashDirection] = mapped_column(StoredEnum(CashDirection))
    instrument: Mapped[CashInstrument] = mapped_column(StoredEnum(CashInstrument))
    #: In cents.
    amount_units: Mapped[int] = mapped_column(sa.BigInteger)
    at: Mapped[datetime] = mapped_column(_Instant)
    business_day: Mapped[date]
    #: The public id of what was booked; each once.
    reference: Mapped[str] = mapped_column(sa.Text, unique=True)
    #: The purchase that it pays for, if others may pay for it too.
    relates_to: Mapped[str | None] = mapped_column(sa.Text)


class CashReport(Base):
    """A report of a person's cash, to be filed until a day."""

    __tablename__ = "cash_reports"
    __table_args__ = (
        sa.CheckConstraint("regime IN ('CTR', 'FORM_8300')", name="cash_report_law_known"),
        sa.CheckConstraint("direction IN ('in', 'out')", name="cash_report_direction_known"),
        sa.CheckConstraint(
            "status IN ('draft', 'filed', 'withdrawn')", name="cash_report_status_known"
        ),
        sa.CheckConstraint("total_units > 1000000", name="cash_report_is_above_the_threshold"),
        sa.CheckConstraint(
            "num_nulls(filed_at, filed_by, filing_reference, fields_sealed)"
            " = CASE status WHEN 'filed' THEN 0 ELSE 4 END",
            name="filed_report_says_how",
        ),
        sa.CheckConstraint(
            "(withdrawn_at IS NOT NULL) = (status = 'withdrawn')", name="withdrawn_report_says_when"
        ),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (approval_id IS NULL)",
            name="report_is_withdrawn_by_a_request",
        ),
        sa.Index("cash_reports_person_id_idx", "person_id"),
        sa.Index("cash_reports_due_on_id_idx", "due_on", "id"),
        sa.Index("cash_reports_draft_idx", "id", postgresql_where=sa.text("status = 'draft'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    legal_entity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("legal_entities.id"))
    regime: Mapped[CashReportRegime] = mapped_column(StoredEnum(CashReportRegime))
    #: The account of the person whose cash is reported.
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    direction: Mapped[CashDirection] = mapped_column(StoredEnum(CashDirection))
    #: That of the cash that made it due.
    business_day: Mapped[date]
    due_on: Mapped[date]
    status: Mapped[CashReportStatus] = mapped_column(StoredEnum(CashReportStatus))
    #: In cents.
    total_units: Mapped[int] = mapped_column(sa.BigInteger)
    drafted_at: Mapped[datetime] = mapped_column(_Instant)
    filed_at: Mapped[datetime | None] = mapped_column(_Instant)
    filed_by: Mapped[UUID | None]
    filing_reference: Mapped[str | None] = mapped_column(sa.Text)
    #: The fields of the form as they were filed: JSON.
    fields_sealed: Mapped[bytes | None] = mapped_column(Sealed)
    withdrawn_at: Mapped[datetime | None] = mapped_column(_Instant)
    approval_id: Mapped[UUID | None]


class ReportedCash(Base):
    """Cash that a report contains: only ever added."""

    __tablename__ = "cash_report_transactions"
    __table_args__ = (sa.Index("cash_report_transactions_transaction_id_idx", "transaction_id"),)

    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey("cash_reports.id"), primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("cash_transactions.id"), primary_key=True
    )


class ReportedPerson(Base):
    """A person whom a report names, and their occupation, which the form asks for."""

    __tablename__ = "cash_report_people"
    __table_args__ = (
        sa.UniqueConstraint("report_id", "person_id", name="cash_report_people_once_key"),
        sa.Index("cash_report_people_person_id_idx", "person_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey("cash_reports.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id"))
    occupation_sealed: Mapped[bytes | None] = mapped_column(Sealed)
