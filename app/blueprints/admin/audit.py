"""The audit trail: search its records, and show one."""

from typing import Any
from uuid import UUID

from flask import Response, request

from app.access import Actor, Permission
from app.audit import queries as audit_queries
from app.audit.queries import AuditFilter, AuditRecordRow
from app.audit.rules import AuditOutcome
from app.blueprints.page_blueprint import PageBlueprint, read_cursor
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.identity.accounts import queries as account_queries
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.pagination import Page

blp = PageBlueprint("audit", "/admin/audit")

_TEXT_LENGTH_MAX = 320
_FILTERS = ("who", "what", "action", "outcome", "request")


@blp.view("GET", "", permission=Permission.AUDIT_READ)
def search_records(session: Session, _actor: Actor) -> Response:
    """Search the audit trail by actor, subject, action, outcome and request, newest first."""
    filters = {name: request.args.get(name, "").strip()[:_TEXT_LENGTH_MAX] for name in _FILTERS}
    cursor = read_cursor()
    problems: dict[str, str] = {}
    search = AuditFilter(
        actor_id=_find_actor(session, filters["who"], problems),
        subject=_parse_subject(session, filters["what"]),
        action=filters["action"] or None,
        outcome=AuditOutcome.with_value(filters["outcome"]),
        request_id=filters["request"] or None,
    )
    no_results: Page[AuditRecordRow] = Page([], None)
    results = no_results if problems else audit_queries.search(session, search, cursor=cursor)
    return render_page(
        "admin/audit/index.html",
        results=results,
        filters=filters,
        problems=problems,
        action_options=[(action, action) for action in audit_queries.list_actions(session)],
        outcome_options=[("", "All outcomes"), *AuditOutcome.options()],
        is_later_page="cursor" in request.args,
        **_names_in(session, *results.data),
    )


@blp.view("GET", "/<record_id>", permission=Permission.AUDIT_READ, shows="aud")
def show_record(session: Session, _actor: Actor, record_id: str) -> Response:
    """Show one audit record with everything it holds."""
    record = audit_queries.get_record(session, ids.decode("aud", record_id))
    return render_page(
        "admin/audit/record.html",
        record=record,
        actor_public_id=ids.encode("usr", record.actor_id) if record.actor_id else "",
        behalf_public_id=ids.encode("usr", record.on_behalf_of) if record.on_behalf_of else "",
        **_names_in(session, record),
    )


def _find_actor(session: Session, text: str, problems: dict[str, str]) -> UUID | None:
    """Return the id of the person with this email or public id. An unknown one is a problem."""
    if not text:
        return None
    try:
        if "@" in text:
            return account_queries.get_person_by_email(session, text).id
        return ids.decode("usr", text)
    except (NotFound, Invalid):
        problems["who"] = "No person has this email or ID. Check the spelling."
        return None


def _parse_subject(session: Session, text: str) -> str | None:
    """Return a person's public id for their email, any other text as it is."""
    try:
        if "@" in text:
            return ids.encode("usr", account_queries.get_person_by_email(session, text).id)
    except (NotFound, Invalid):
        return text
    return text or None


def _names_in(session: Session, *records: AuditRecordRow) -> dict[str, Any]:
    """Return the names of all people in the records: `names` by id, `subjects` by public id."""
    people_ids = {_decode_person(record.subject) for record in records}
    people_ids |= {record.actor_id for record in records}
    people_ids |= {record.on_behalf_of for record in records}
    names = people.get_names(
        session, [person_id for person_id in people_ids if person_id is not None]
    )
    return {
        "names": names,
        "subjects": {ids.encode("usr", person_id): name for person_id, name in names.items()},
    }


def _decode_person(subject: str) -> UUID | None:
    try:
        return ids.decode("usr", subject)
    except NotFound:
        return None
