"""Cash below the threshold of a report on several days: a case for those who file reports.

The counter and the customer see nothing of it (31 USC 5318(g)(2)). Kind and outcomes are named so
that the audit trail, which others read, does not tell a suspicion.
"""

from datetime import date, timedelta
from types import MappingProxyType

from app.access import Permission
from app.cases import service as cases
from app.cases.registry import CaseKind, register
from app.catalog.rules import USD
from app.compliance.cash_reports import queries, rules
from app.compliance.cash_reports.rules import CashReportSettings, PersonsCash
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_amount, format_date
from app.kit.money import Amount
from app.settings.queries import current

CASE_KIND = "cash.review"


def look_for_pattern(session: Session, whose: PersonsCash, day: date) -> None:
    """Open a case if a person's cash avoids reports up to this business day."""
    settings = current(session, CashReportSettings)
    since = day - timedelta(days=settings.pattern_days - 1)
    days = queries.sum_days(session, whose, since)
    if not rules.avoids_reports(days, settings):
        return
    cases.open_case(
        session,
        kind=CASE_KIND,
        subject=ids.encode("usr", whose.person_id),
        key=f"{ids.encode('usr', min(whose.accounts))} {whose.direction}",
        title="Cash below the threshold of a report on several days",
        facts={
            format_date(each): f"{whose.direction.label}: {format_amount(Amount(USD, units))}"
            for each, units in sorted(days.items())
        },
        person_id=whose.person_id,
    )


register(
    CaseKind(
        CASE_KIND,
        "Cash on several days",
        dispositions=MappingProxyType(
            {
                "reviewed": "Reviewed, and done what the law asks for",
                "no_action": "No action needed",
            }
        ),
        read_permission=Permission.CASH_REPORTS_FILE,
    )
)
