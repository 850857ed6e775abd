"""One's own acts, as the audit trail has them."""

from flask import url_for

from app.access import Permission
from app.audit import queries as audit_queries
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.blueprints.lists import (
    Column,
    DateFilter,
    EnumFilter,
    ExactTimeCell,
    ListPage,
    ReferenceCell,
)
from app.blueprints.page_blueprint import PageBlueprint

blp = PageBlueprint("own_acts", "/auth/account/acts")

OWN_ACTS = ListPage(
    name="own_acts",
    title="My acts",
    about="What you did, and what you were denied, as the audit trail has it.",
    source=lambda _session, actor: audit_queries.records_of(actor.user_id),
    columns=(
        Column("action", "Action", lambda record: record.action),
        Column(
            "recorded",
            "Recorded",
            lambda record: ExactTimeCell(record.recorded_at),
            sort="recorded",
        ),
        Column("what", "About", lambda record: ReferenceCell(record.subject)),
        Column("outcome", "Outcome", lambda record: record.outcome),
        Column("reason", "Reason", lambda record: record.reason),
    ),
    row_url=lambda record: url_for("audit_pages.show_record", record_id=record.public_id),
    row_permission=Permission.AUDIT_READ,
    default_sort="-recorded",
    filters=(
        EnumFilter("action", "Action", members=AuditAction),
        EnumFilter("outcome", "Outcome", members=AuditOutcome),
        DateFilter("from", "From"),
        DateFilter("to", "To", is_end=True),
    ),
    empty=("No acts yet", "What you do at the desks appears here."),
)
blp.add_list("", OWN_ACTS, permission=Permission.OWN_AUDIT_READ)
