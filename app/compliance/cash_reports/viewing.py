"""The fields of a report for those who file it, and the record of who read them."""

import json

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.compliance.cash_reports import form_fields, queries
from app.compliance.cash_reports.form_fields import FormSection
from app.compliance.cash_reports.queries import CashReportSummary
from app.kit.db import Session


def view_fields(session: Session, actor: Actor, report: CashReportSummary) -> list[FormSection]:
    """Return the parts of the form, as they were filed or as the facts are now, and record the
    access. Raises `PermissionDenied`."""
    require(actor, Permission.CASH_REPORTS_FILE)
    audit.record_viewing(
        session,
        actor=actor,
        action=AuditAction.CASH_REPORT_VIEWED,
        subject=report.public_id,
        on_behalf_of=report.person_id,
    )
    filed = queries.filed_fields(session, report.id)
    if filed is None:
        return form_fields.list_sections(session, report)
    return [FormSection(**section) for section in json.loads(filed)]
