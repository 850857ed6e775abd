"""Named reads of cash reports."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from app.branches.entities.rules import CashReportRegime
from app.catalog.rules import USD, CashInstrument
from app.compliance.cash_reports import rules
from app.compliance.cash_reports.models import (
    CashReport,
    CashTransaction,
    ReportedCash,
    ReportedPerson,
)
from app.compliance.cash_reports.rules import (
    CashDirection,
    CashReportStatus,
    PersonsCash,
    RecordedCash,
)
from app.keys import service as keys
from app.kit import ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.kit.statements import AnySelect

#: How many reports are to be filed.
DRAFTS = Count(("SELECT count(*) FROM cash_reports WHERE status = 'draft'", None))


@dataclass(frozen=True, slots=True)
class CashReportSummary:
    """A report as lists show it."""

    id: UUID
    legal_entity_id: UUID
    regime: CashReportRegime
    person_id: UUID
    direction: CashDirection
    business_day: date
    due_on: date
    status: CashReportStatus
    total_units: int
    drafted_at: datetime
    filed_at: datetime | None
    filed_by: UUID | None
    filing_reference: str | None
    withdrawn_at: datetime | None
    approval_id: UUID | None

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode(rules.PREFIX, self.id)

    @property
    def total(self) -> Amount:
        """The cash that it reports."""
        return Amount(USD, self.total_units)

    @property
    def approval_public_id(self) -> str | None:
        """The request by which two people withdrew it."""
        return ids.encode("apr", self.approval_id) if self.approval_id else None


_SELECT = sa.select(
    CashReport.id,
    CashReport.legal_entity_id,
    CashReport.regime,
    CashReport.person_id,
    CashReport.direction,
    CashReport.business_day,
    CashReport.due_on,
    CashReport.status,
    CashReport.total_units,
    CashReport.drafted_at,
    CashReport.filed_at,
    CashReport.filed_by,
    CashReport.filing_reference,
    CashReport.withdrawn_at,
    CashReport.approval_id,
)
REPORTS = ListSource(
    CashReportSummary,
    _SELECT,
    key=CashReport.id,
    sorts={"drafted": CashReport.id, "due": CashReport.due_on},
    filters={
        "person": lambda person_id: CashReport.person_id == person_id,
        "status": lambda status: CashReport.status == status,
        "regime": lambda regime: CashReport.regime == regime,
    },
)


@dataclass(frozen=True, slots=True)
class CashTransactionRow:
    """Cash that crossed a counter."""

    id: UUID
    branch_id: UUID
    conductor_id: UUID
    beneficiary_id: UUID
    direction: CashDirection
    instrument: CashInstrument
    amount_units: int
    at: datetime
    reference: str

    @property
    def amount(self) -> Amount:
        """How much it is."""
        return Amount(USD, self.amount_units)


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A person whom a report names."""

    id: UUID
    person_id: UUID
    occupation: str | None


def get_report(session: Session, report_id: UUID) -> CashReportSummary:
    """Return a report. Raises `NotFound`."""
    return session.get(CashReportSummary, _SELECT.where(CashReport.id == report_id))


def lock_report(session: Session, report_id: UUID) -> CashReportSummary:
    """Return a report, its row locked. Raises `NotFound`."""
    select = _SELECT.where(CashReport.id == report_id).with_for_update()
    return session.get(CashReportSummary, select)


_TRANSACTIONS = sa.select(
    CashTransaction.id,
    CashTransaction.branch_id,
    CashTransaction.conductor_id,
    CashTransaction.beneficiary_id,
    CashTransaction.direction,
    CashTransaction.instrument,
    CashTransaction.amount_units,
    CashTransaction.at,
    CashTransaction.reference,
).order_by(CashTransaction.at, CashTransaction.id)


def list_transactions(session: Session, report_id: UUID) -> list[CashTransactionRow]:
    """Return the cash of a report, oldest first."""
    contained = sa.select(ReportedCash.transaction_id).where(ReportedCash.report_id == report_id)
    return session.select(
        CashTransactionRow, _TRANSACTIONS.where(CashTransaction.id.in_(contained))
    )


def list_cash_of(session: Session, person_id: UUID) -> list[CashTransactionRow]:
    """Return the cash that an account brought or got, or that was its money, oldest first."""
    is_theirs = sa.or_(
        CashTransaction.conductor_id == person_id, CashTransaction.beneficiary_id == person_id
    )
    return session.select(CashTransactionRow, _TRANSACTIONS.where(is_theirs))


def list_people(session: Session, report_id: UUID) -> list[NamedPerson]:
    """Return the people whom a report names, in the order in which they were added."""
    select = sa.select(
        ReportedPerson.id.label("row_id"),
        ReportedPerson.person_id,
        ReportedPerson.occupation_sealed,
    ).where(ReportedPerson.report_id == report_id)
    return session.select(_open_person, select.order_by(ReportedPerson.id))


def _open_person(row_id: UUID, person_id: UUID, occupation_sealed: bytes | None) -> NamedPerson:
    occupation = None
    if occupation_sealed is not None:
        occupation = keys.open_sealed(
            occupation_sealed, table="cash_report_people", column="occupation_sealed", key=row_id
        ).decode()
    return NamedPerson(row_id, person_id, occupation)


def filed_fields(session: Session, report_id: UUID) -> str | None:
    """Return the fields of the form as they were filed, as JSON; None if it is not filed."""
    filed = CashReport.id == report_id, CashReport.fields_sealed.is_not(None)
    select = sa.select(CashReport.id.label("report_id"), CashReport.fields_sealed).where(*filed)
    return session.find(_open_fields, select)


def _open_fields(report_id: UUID, fields_sealed: bytes) -> str:
    place = {"table": "cash_reports", "column": "fields_sealed"}
    return keys.open_sealed(fields_sealed, **place, key=report_id).decode()


_RECORDED = sa.select(
    CashTransaction.id,
    CashTransaction.conductor_id,
    CashTransaction.beneficiary_id,
    CashTransaction.instrument,
    CashTransaction.amount_units,
    CashTransaction.at,
    CashTransaction.business_day,
    CashTransaction.relates_to,
)


def list_others(
    session: Session, whose: PersonsCash, regime: CashReportRegime, newest: RecordedCash
) -> Sequence[RecordedCash]:
    """Return the cash of a person that the newest may have to be reported with
    (`rules.find_reportable`)."""
    select = _select_cash(whose).where(CashTransaction.id != newest.id)
    if regime is CashReportRegime.CTR:
        return session.select(
            RecordedCash, select.where(CashTransaction.business_day == newest.business_day)
        )
    is_filed = (
        sa.select(ReportedCash.report_id)
        .join(CashReport, CashReport.id == ReportedCash.report_id)
        .where(
            ReportedCash.transaction_id == CashTransaction.id,
            CashReport.status == CashReportStatus.FILED,
            CashReport.person_id.in_(whose.accounts),
        )
        .exists()
    )
    since = rules.earliest_related(newest.at)
    return session.select(RecordedCash, select.where(CashTransaction.at > since, sa.not_(is_filed)))


def sum_days(session: Session, whose: PersonsCash, since: date) -> Mapping[date, int]:
    """Return a person's cash in notes and coins by business day, in cents."""
    day, units = CashTransaction.business_day, sa.func.sum(CashTransaction.amount_units)
    select = (
        _select_cash(whose)
        .where(day >= since, CashTransaction.instrument == CashInstrument.CASH)
        .with_only_columns(day.label("day"), sa.cast(units, sa.BigInteger).label("units"))
        .group_by(day)
    )
    return dict(session.select(lambda day, units: (day, units), select))


def _select_cash(whose: PersonsCash) -> AnySelect:
    return _RECORDED.where(
        CashTransaction.legal_entity_id == whose.entity_id,
        CashTransaction.direction == whose.direction,
        sa.or_(
            CashTransaction.conductor_id.in_(whose.accounts),
            CashTransaction.beneficiary_id.in_(whose.accounts),
        ),
    )


def are_reported_together(session: Session, transaction_ids: Collection[UUID]) -> bool:
    """Return whether one report, which was not withdrawn, contains all of this cash."""
    together = (
        sa.select(ReportedCash.report_id.label("report_id"))
        .join(CashReport, CashReport.id == ReportedCash.report_id)
        .where(
            ReportedCash.transaction_id.in_(transaction_ids),
            CashReport.status != CashReportStatus.WITHDRAWN,
        )
        .group_by(ReportedCash.report_id)
        .having(sa.func.count() == len(transaction_ids))
    )
    return session.find(dict, together) is not None


def lock_draft(
    session: Session, accounts: Collection[UUID], transaction_ids: Collection[UUID]
) -> CashReportSummary | None:
    """Return the draft about a person that contains any of this cash, its row locked."""
    contained = sa.select(ReportedCash.report_id).where(
        ReportedCash.transaction_id.in_(transaction_ids)
    )
    draft = _SELECT.where(
        CashReport.id.in_(contained),
        CashReport.person_id.in_(accounts),
        CashReport.status == CashReportStatus.DRAFT,
    )
    return session.find(CashReportSummary, draft.order_by(CashReport.id).with_for_update())
