"""Refusals of cash reports."""

from app.kit.errors import Conflict


class CashIdentityRequired(Conflict):
    """Cash is to be reported, and a person's identity is not verified (31 CFR 1010.312)."""

    code = "cash_identity_required"
    title = "Verify the customer's identity first: this much cash is reported."


class CashReportEnded(Conflict):
    """The report was filed or withdrawn meanwhile."""

    code = "cash_report_ended"
    title = "This report is not as it was. Open it again to see what happened."


class CashDayNotOver(Conflict):
    """More cash of the same business day may still come."""

    code = "cash_day_not_over"
    title = "File the report once its business day has ended everywhere: more cash may come."


class CashReportIncomplete(Conflict):
    """The form asks for facts that are missing."""

    code = "cash_report_incomplete"
    title = "Add the missing facts first."
