"""The audit trail: search its records, and show one."""

from dataclasses import dataclass

from flask import Response, url_for

from app.access import Actor, Permission
from app.audit import queries as audit_queries
from app.audit.actions import AuditAction
from app.audit.queries import AuditRecordRow
from app.audit.rules import AuditOutcome
from app.blueprints.lists import (
    Column,
    DateFilter,
    EnumFilter,
    ExactTimeCell,
    Filter,
    ListPage,
    Options,
    PersonCell,
    PersonFilter,
    ReferenceCell,
)
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.identity.accounts import queries as account_queries
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound

blp = PageBlueprint("audit", "/admin/audit")


@dataclass(frozen=True, slots=True)
class SubjectFilter(Filter):
    """A filter by what an act is about: a person's email, or any ID."""

    def parse(self, session: Session, _actor: Actor, text: str, _options: Options | None) -> object:
        """Return a person's public id for their email, any other text as it is."""
        if "@" not in text:
            return text
        try:
            return ids.encode("usr", account_queries.get_person_by_email(session, text).id)
        except (NotFound, Invalid):
            return text


def _done_by(record: AuditRecordRow) -> PersonCell:
    is_denied = record.outcome is AuditOutcome.DENIED
    return PersonCell(record.actor_id, missing="Not signed in" if is_denied else "System")


def _about(record: AuditRecordRow) -> PersonCell | ReferenceCell:
    person_id = ids.try_decode("usr", record.subject)
    return PersonCell(person_id) if person_id else ReferenceCell(record.subject)


RECORDS = ListPage(
    name="audit_records",
    title="Audit trail",
    about="Acts of people and of the system, and what was denied."
    " Orders and transfers of customers are in the books, not here.",
    source=lambda _session, _actor: audit_queries.RECORDS,
    columns=(
        Column("action", "Action", lambda record: record.action),
        Column(
            "recorded",
            "Recorded",
            lambda record: ExactTimeCell(record.recorded_at),
            sort="recorded",
        ),
        Column("who", "Done by", _done_by),
        Column("role", "Role at the time", lambda record: record.actor_role),
        Column("what", "About", _about),
        Column("outcome", "Outcome", lambda record: record.outcome),
        Column("subject", "About (ID)", lambda record: record.subject, is_hidden=True),
        Column(
            "customer",
            "Person concerned",
            lambda record: PersonCell(record.on_behalf_of, missing="–"),
            is_hidden=True,
        ),
        Column("reason", "Reason", lambda record: record.reason, is_hidden=True),
        Column("request", "Request ID", lambda record: record.request_id, is_hidden=True),
        Column("seal", "Audit seal", lambda record: record.seal_state, is_hidden=True),
        Column("id", "Record ID", lambda record: record.public_id, is_hidden=True),
    ),
    row_url=lambda record: url_for("audit_pages.show_record", record_id=record.public_id),
    default_sort="-recorded",
    filters=(
        PersonFilter("who", "Done by", hint="Email or ID"),
        SubjectFilter("what", "About", hint="Email or ID"),
        EnumFilter("action", "Action", members=AuditAction),
        EnumFilter("outcome", "Outcome", members=AuditOutcome),
        Filter("reason", "Words in the reason"),
        Filter("request", "Request ID"),
        DateFilter("from", "From"),
        DateFilter("to", "To", is_end=True),
    ),
    empty=("No records yet", "Every act of staff and of the system appears here."),
    no_match="Remove a filter, or check the spelling of the email or ID.",
)
blp.add_list("", RECORDS, permission=Permission.AUDIT_READ)


@blp.view("GET", "/<record_id>", permission=Permission.AUDIT_READ, shows="aud")
def show_record(session: Session, _actor: Actor, record_id: str) -> Response:
    """Show one audit record with everything it holds."""
    record = audit_queries.get_record(session, ids.decode("aud", record_id))
    people_ids = [record.actor_id, record.on_behalf_of, ids.try_decode("usr", record.subject)]
    names = people.get_names(session, [each for each in people_ids if each is not None])
    return render_page(
        "admin/audit/record.html",
        record=record,
        actor_public_id=ids.encode("usr", record.actor_id) if record.actor_id else "",
        behalf_public_id=ids.encode("usr", record.on_behalf_of) if record.on_behalf_of else "",
        subjects={ids.encode("usr", person_id): name for person_id, name in names.items()},
    )
