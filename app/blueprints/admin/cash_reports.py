"""Cash reports: what is to be filed by when, and a report with the fields of its form."""

from collections.abc import Mapping

from flask import Response, url_for

from app.access import Actor, Permission
from app.approvals import queries as approvals_queries
from app.blueprints.forms import (
    Form,
    FormSchema,
    choice_field,
    reason_field,
    text_field,
)
from app.blueprints.lists import (
    Column,
    EnumFilter,
    ListPage,
    PersonCell,
    PersonFilter,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.branches.entities.rules import CashReportRegime
from app.compliance.cash_reports import queries, rules, service, viewing
from app.compliance.cash_reports.rules import CashReportStatus
from app.identity.accounts import people
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_date

blp = PageBlueprint("cash_reports", "/admin/cash-reports")


class OccupationSchema(FormSchema):
    """The occupation of a person whom the report names."""

    person = choice_field("Person", "Choose a person.")
    occupation = text_field(
        "Occupation", "Enter the occupation.", check=rules.clean_occupation, hint="Like dentist"
    )


class FilingSchema(FormSchema):
    """The number under which the report was filed."""

    reference = text_field(
        "Number of FinCEN", "Enter the number.", check=rules.clean_reference, hint="BSA identifier"
    )


class ReportWithdrawalSchema(FormSchema):
    """Why the law does not ask for the report."""

    reason = reason_field()


OCCUPATION = Form(
    "occupation",
    title="Add an occupation",
    schema=OccupationSchema,
    button="Add occupation",
    success="Occupation added.",
    failure="The occupation was not added",
)
FILE = Form(
    "file",
    title="File",
    about="Send the form to FinCEN first. Its fields are kept as they are now.",
    schema=FilingSchema,
    button="Record as filed",
    success="Report recorded as filed.",
    failure="The report was not recorded as filed",
)
WITHDRAW = Form(
    "withdraw",
    title="Withdraw",
    about="For a report that the law does not ask for. A second person decides.",
    schema=ReportWithdrawalSchema,
    button="Request withdrawal",
    success="Withdrawal requested. A second person has to approve it.",
    failure="The withdrawal was not requested",
    is_secondary=True,
)

list_cash_reports = blp.add_list(
    "",
    ListPage(
        name="cash_reports",
        title="Cash reports",
        about="Cash of more than 10,000 USD that a legal entity reports to FinCEN.",
        source=lambda _session, _actor: queries.REPORTS,
        columns=(
            Column("id", "Report", lambda report: report.public_id),
            Column("person", "Person", lambda report: PersonCell(report.person_id)),
            Column("total", "Cash", lambda report: report.total),
            Column("direction", "Direction", lambda report: report.direction.label),
            Column("day", "Business day", lambda report: format_date(report.business_day)),
            Column("due", "Due", lambda report: format_date(report.due_on), sort="due"),
            Column("status", "Status", lambda report: report.status),
            Column("regime", "Report", lambda report: report.regime.label, is_hidden=True),
            Column("drafted", "Drafted", lambda report: report.drafted_at, sort="drafted"),
        ),
        row_url=lambda report: url_for(
            "cash_reports_pages.show_cash_report", report_id=report.public_id
        ),
        default_sort="due",
        filters=(
            PersonFilter("person", "Person", hint="Email or ID"),
            EnumFilter("status", "Status", CashReportStatus, default=CashReportStatus.DRAFT),
            EnumFilter("regime", "Report", CashReportRegime),
        ),
        empty=("Nothing to file", "A report is drafted with the cash that makes it due."),
    ),
    permission=Permission.CASH_REPORTS_READ,
)


# It writes: viewing the fields of the form is recorded.
@blp.view(
    "GET",
    "/<report_id>",
    permission=Permission.CASH_REPORTS_READ,
    shows=rules.PREFIX,
    writes=True,
)
def show_cash_report(session: Session, actor: Actor, report_id: str) -> Response:
    """Show a report with its cash; to those who file it, with the fields of the form."""
    report = queries.get_report(session, ids.decode(rules.PREFIX, report_id))
    transactions = queries.list_transactions(session, report.id)
    may_file = Permission.CASH_REPORTS_FILE in actor.permissions
    named = {
        person_id for each in transactions for person_id in (each.conductor_id, each.beneficiary_id)
    }
    names = people.get_names(session, named | {report.person_id})
    return render_page(
        "admin/cash_reports/cash_report.html",
        report=report,
        transactions=transactions,
        sections=viewing.view_fields(session, actor, report) if may_file else [],
        names=names,
        approvals=approvals_queries.list_requests_about(session, report.public_id),
        people=[(ids.encode("usr", person_id), names[person_id]) for person_id in sorted(named)],
        is_open=may_file and report.status is CashReportStatus.DRAFT,
        occupation_form=OCCUPATION,
        file_form=FILE,
        withdraw_form=WITHDRAW,
    )


@blp.form(
    "/<report_id>/occupation",
    OCCUPATION,
    shown_on=show_cash_report,
    permission=Permission.CASH_REPORTS_FILE,
)
def add_occupation(
    session: Session, actor: Actor, fields: Mapping[str, str], report_id: str
) -> None:
    """Add the occupation of a person whom the report names."""
    service.record_occupation(
        session,
        actor,
        ids.decode(rules.PREFIX, report_id),
        ids.decode("usr", fields["person"]),
        fields["occupation"],
    )


@blp.form(
    "/<report_id>/file",
    FILE,
    shown_on=show_cash_report,
    permission=Permission.CASH_REPORTS_FILE,
    fresh=True,
)
def file_report(session: Session, actor: Actor, fields: Mapping[str, str], report_id: str) -> None:
    """Record that the report was filed."""
    report = ids.decode(rules.PREFIX, report_id)
    service.file_report(session, actor, report, reference=fields["reference"])


@blp.form(
    "/<report_id>/withdraw",
    WITHDRAW,
    shown_on=show_cash_report,
    permission=Permission.CASH_REPORTS_FILE,
    fresh=True,
)
def request_withdrawal(
    session: Session, actor: Actor, fields: Mapping[str, str], report_id: str
) -> str:
    """Request that the report is withdrawn."""
    report = ids.decode(rules.PREFIX, report_id)
    approval_id = service.request_withdrawal(session, actor, report, reason=fields["reason"])
    return url_for("approvals_pages.show_approval", approval_id=ids.encode("apr", approval_id))
