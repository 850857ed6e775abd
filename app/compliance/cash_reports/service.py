"""The verbs of cash reports: record cash, complete a report, file it, and withdraw it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import queries as branches_queries
from app.branches.entities import queries as entities_queries
from app.branches.entities.rules import CashReportRegime
from app.catalog.rules import USD, CashInstrument
from app.compliance.cash_reports import form_fields, patterns, queries, rules
from app.compliance.cash_reports.errors import (
    CashDayNotOver,
    CashIdentityRequired,
    CashReportEnded,
    CashReportIncomplete,
)
from app.compliance.cash_reports.models import (
    CashReport,
    CashTransaction,
    ReportedCash,
    ReportedPerson,
)
from app.compliance.cash_reports.queries import CashReportSummary
from app.compliance.cash_reports.rules import (
    TRANSITIONS,
    CashDirection,
    CashReportStatus,
    PersonsCash,
    RecordedCash,
)
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount, format_date
from app.kit.money import Amount
from app.kyc import queries as kyc_queries

WITHDRAW = "cash_report.withdraw"
_LOCK_PERSON = "SELECT pg_advisory_xact_lock(hashtextextended('cash of ' || %s, 0))"


@dataclass(frozen=True, slots=True)
class CounterCash:
    """Cash that crosses a counter. `conductor_id` is who is there, `beneficiary_id` whose money it
    is. `reference` is the public id of what is booked; `relates_to` names the purchase that it pays
    for, if others may pay for it too."""

    branch_id: UUID
    conductor_id: UUID
    beneficiary_id: UUID
    direction: CashDirection
    amount: Amount
    reference: str
    instrument: CashInstrument = CashInstrument.CASH
    relates_to: str | None = None

    @property
    def people(self) -> Sequence[UUID]:
        """The person whose money it is, then another one who brings it or gets it."""
        return list(dict.fromkeys((self.beneficiary_id, self.conductor_id)))


@dataclass(frozen=True, slots=True)
class _Reportable:
    """What is to be reported of a person's cash; mostly nothing."""

    whose: PersonsCash
    cash: Sequence[RecordedCash]


@dataclass(frozen=True, slots=True)
class _Assessment:
    """What cash makes due, under which law."""

    entity_id: UUID
    regime: CashReportRegime
    newest: RecordedCash
    people: Sequence[_Reportable]


def record_cash(session: Session, cash: CounterCash) -> None:
    """Record cash in the transaction that books it, and draft or extend the reports that it makes
    due.

    Other cash of the same people waits until the transaction ends, at whichever branch. Raises
    `CashIdentityRequired` if a report is due and a person it names is not verified.
    """
    for account in sorted(
        {
            str(account)
            for person_id in cash.people
            for account in kyc_queries.accounts_of_person(session, person_id)
        }
    ):
        session.send(_LOCK_PERSON, (account,))
    assessment = _assess(session, cash)
    newest = assessment.newest
    session.write(
        sa.insert(CashTransaction).values(
            **asdict(newest),
            legal_entity_id=assessment.entity_id,
            branch_id=cash.branch_id,
            direction=cash.direction,
            reference=cash.reference,
        )
    )
    for reportable in assessment.people:
        if reportable.cash:
            _report(session, assessment, reportable)
        patterns.look_for_pattern(session, reportable.whose, newest.business_day)


def is_report_due(session: Session, cash: CounterCash) -> bool:
    """Return whether a report would be due with this cash, so that the counter can ask for what the
    law wants to know before it takes or gives it. Nothing is recorded."""
    return any(reportable.cash for reportable in _assess(session, cash).people)


def _assess(session: Session, cash: CounterCash) -> _Assessment:
    branch = branches_queries.get_any_branch(session, cash.branch_id)
    regime = entities_queries.get_entity(session, branch.entity_id).cash_report_regime
    now = clock.now()
    newest = RecordedCash(
        ids.new(),
        cash.conductor_id,
        cash.beneficiary_id,
        cash.instrument,
        cash.amount.units,
        now,
        rules.business_day(now, branch.time_zone),
        cash.relates_to,
    )
    people = []
    for person_id in cash.people:
        accounts = kyc_queries.accounts_of_person(session, person_id)
        whose = PersonsCash(person_id, accounts, branch.entity_id, cash.direction)
        reportable: Sequence[RecordedCash] = ()
        if cash.direction in rules.reported_directions(regime):
            others = queries.list_others(session, whose, regime, newest)
            reportable = rules.find_reportable(regime, newest, others)
        people.append(_Reportable(whose, reportable))
    return _Assessment(branch.entity_id, regime, newest, people)


def _report(session: Session, assessment: _Assessment, reportable: _Reportable) -> None:
    """Draft a report of a person's cash, or add the cash to their draft. What another report
    contains together already is not reported twice."""
    transaction_ids = [each.id for each in reportable.cash]
    if queries.are_reported_together(session, transaction_ids):
        return
    named = list(
        dict.fromkeys(
            named_id
            for each in reportable.cash
            for named_id in (each.beneficiary_id, each.conductor_id)
        )
    )
    if not all(kyc_queries.tier_status(session, named_id).tier for named_id in named):
        raise CashIdentityRequired
    draft = queries.lock_draft(session, reportable.whose.accounts, transaction_ids)
    if draft is None:
        report_id = _draft(session, assessment, reportable)
    else:
        report_id = draft.id
        contained = {each.id for each in queries.list_transactions(session, report_id)}
        known = {each.person_id for each in queries.list_people(session, report_id)}
        transaction_ids = [each for each in transaction_ids if each not in contained]
        named = [each for each in named if each not in known]
        added = sum(each.amount_units for each in reportable.cash if each.id not in contained)
        session.write(
            sa.update(CashReport)
            .where(CashReport.id == report_id)
            .values(total_units=CashReport.total_units + added)
        )
    session.insert(
        (ReportedCash, [{"report_id": report_id, "transaction_id": i} for i in transaction_ids]),
        (
            ReportedPerson,
            [
                {"id": ids.new(), "report_id": report_id, "person_id": named_id}
                for named_id in named
            ],
        ),
    )


def _draft(session: Session, assessment: _Assessment, reportable: _Reportable) -> UUID:
    report_id = ids.new()
    total = sum(each.amount_units for each in reportable.cash)
    due_on = rules.due_on(assessment.newest.business_day)
    session.write(
        sa.insert(CashReport).values(
            id=report_id,
            legal_entity_id=assessment.entity_id,
            regime=assessment.regime,
            person_id=reportable.whose.person_id,
            direction=reportable.whose.direction,
            business_day=assessment.newest.business_day,
            due_on=due_on,
            status=CashReportStatus.DRAFT,
            total_units=total,
            drafted_at=clock.now(),
        )
    )
    audit.record(
        session,
        actor=None,
        action=AuditAction.CASH_REPORT_DRAFTED,
        subject=ids.encode(rules.PREFIX, report_id),
        after={"total": format_amount(Amount(USD, total)), "due": due_on.isoformat()},
    )
    return report_id


def record_occupation(
    session: Session, actor: Actor, report_id: UUID, person_id: UUID, occupation: str
) -> None:
    """Add the occupation of a person whom a draft names.

    Raises `PermissionDenied`, `NotFound`, `CashReportEnded`, and `Invalid` naming the field.
    """
    require(actor, Permission.CASH_REPORTS_FILE)
    cleaned = rules.clean_occupation(occupation)
    report = _lock_draft(session, report_id)
    people = {each.person_id: each.id for each in queries.list_people(session, report_id)}
    if person_id not in people:
        raise Invalid("person", "Choose a person whom the report names.")
    key = people[person_id]
    sealed = keys.seal(cleaned, table="cash_report_people", column="occupation_sealed", key=key)
    session.write(
        sa.update(ReportedPerson).where(ReportedPerson.id == key).values(occupation_sealed=sealed)
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CASH_REPORT_COMPLETED,
        subject=report.public_id,
        on_behalf_of=person_id,
    )


def file_report(session: Session, actor: Actor, report_id: UUID, *, reference: str) -> None:
    """Record that a report was filed under a number of FinCEN, and keep its fields as they are now.

    Raises `PermissionDenied`, `NotFound`, `CashReportEnded`, `CashDayNotOver`,
    `CashReportIncomplete`, and `Invalid` naming `reference`.
    """
    require(actor, Permission.CASH_REPORTS_FILE)
    cleaned = rules.clean_reference(reference)
    report = _lock_draft(session, report_id)
    now = clock.now()
    if not rules.is_complete(report.business_day, now):
        raise CashDayNotOver
    sections = form_fields.list_sections(session, report)
    missing = list(dict.fromkeys(label for section in sections for label in section.missing))
    if missing:
        raise CashReportIncomplete(f"Add what is missing first: {', '.join(missing)}.")
    content = json.dumps([section.to_json() for section in sections], ensure_ascii=False)
    sealed = keys.seal(content, table="cash_reports", column="fields_sealed", key=report_id)
    session.write(
        sa.update(CashReport)
        .where(CashReport.id == report_id)
        .values(
            status=TRANSITIONS.transition(report.status, CashReportStatus.FILED),
            filed_at=now,
            filed_by=actor.user_id,
            filing_reference=cleaned,
            fields_sealed=sealed,
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CASH_REPORT_FILED,
        subject=report.public_id,
        before={"status": report.status},
        after={"status": CashReportStatus.FILED, "reference": cleaned},
    )


def request_withdrawal(session: Session, actor: Actor, report_id: UUID, *, reason: str) -> UUID:
    """Request that a report which the law does not ask for is withdrawn by a second person. Return
    the request's id.

    Raises `PermissionDenied`, `NotFound`, `CashReportEnded`, `ApprovalPending`, and `Invalid` for
    the reason.
    """
    require(actor, Permission.CASH_REPORTS_FILE)
    report = _lock_draft(session, report_id)
    return approvals.request_approval(
        session,
        actor,
        WITHDRAW,
        {"report": report.public_id},
        subject=report.public_id,
        subject_id=report.person_id,
        reason=reason,
    )


def _lock_draft(session: Session, report_id: UUID) -> CashReportSummary:
    report = queries.lock_report(session, report_id)
    if report.status is not CashReportStatus.DRAFT:
        raise CashReportEnded
    return report


def _lock_payload(session: Session, payload: TextFields) -> CashReportSummary:
    return _lock_draft(session, ids.decode(rules.PREFIX, payload["report"]))


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    report = _lock_payload(session, payload)
    facts = {
        "report": report.regime.label,
        "cash": format_amount(report.total),
        "direction": report.direction.label,
        "business day": format_date(report.business_day),
    }
    return ProposedChange(
        {**facts, "status": CashReportStatus.DRAFT.label},
        {**facts, "status": CashReportStatus.WITHDRAWN.label},
    )


def _check(_session: Session, actor: Actor, _payload: TextFields) -> None:
    require(actor, Permission.CASH_REPORTS_FILE)


def _execute(session: Session, approved: ApprovedRequest) -> None:
    report = _lock_payload(session, approved.payload)
    session.write(
        sa.update(CashReport)
        .where(CashReport.id == report.id)
        .values(
            status=TRANSITIONS.transition(report.status, CashReportStatus.WITHDRAWN),
            withdrawn_at=clock.now(),
            approval_id=approved.id,
        )
    )
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.CASH_REPORT_WITHDRAWN,
        subject=report.public_id,
        before={"status": report.status},
        after={"status": CashReportStatus.WITHDRAWN, "approval": ids.encode("apr", approved.id)},
        reason=approved.reason,
    )


approvals_registry.register(
    ApprovalAction(
        WITHDRAW,
        "Withdraw a cash report",
        Permission.CASH_REPORTS_FILE,
        _compare,
        _check,
        _execute,
        lambda _session, _actor, _subject: {},
        lambda fields: f"withdraw the report of {fields['cash']}",
        follows="The report is not filed. The cash stays recorded.",
    )
)
