"""Go to: from any id, email, phone number or request id to the page that shows it."""

import re

from flask import Response, url_for

from app.access import Actor, Permission
from app.audit import queries as audit_queries
from app.blueprints import references, searches
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rendering import render_page
from app.identity.accounts import people
from app.identity.accounts.people import AccountDetails
from app.kit import ids, phones
from app.kit.db import Session
from app.kit.errors import Invalid

blp = PageBlueprint("go_to", None)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@blp.view("POST", "/go", permission=Permission.ACCOUNT_READ)
def find(_session: Session, _actor: Actor) -> Response:
    """Go to what was typed: its URL holds it sealed."""
    return see_other(searches.url_of("go_to_pages.go_to", q=searches.typed_text("q")))


# It writes: whether a page is found is decided by the page, and some pages record their viewing.
@blp.view("GET", "/go", permission=Permission.ACCOUNT_READ, writes=True)
def go_to(session: Session, actor: Actor) -> Response:
    """Redirect to the only page that the text names, or say what was not found and what can be
    typed."""
    text, found, problem = "", list[AccountDetails](), ""
    try:
        text = searches.searched_text("q")
    except Invalid as refusal:
        problem = refusal.message
    if prefix := ids.prefix_of(text.lower()):
        public_id = text.lower()
        if url := references.find_url(session, actor, public_id):
            return see_other(url)
        problem = _explain_missing(prefix, public_id, actor)
    elif text:
        found = _find_people(session, actor, text)
        if len(found) == 1:
            [person] = found
            url = url_for("support_customers_pages.show_customer", person_id=person.public_id)
            return see_other(url)
        if not found and _has_records(session, actor, text):
            return see_other(url_for("audit_pages.list_audit_records", request=text))
        problem = "" if found else f"Nothing that you may open has the ID, email or phone “{text}”."
    return render_page(
        "go_to.html",
        text=text,
        found=found,
        problem=problem,
        pages={
            prefix: page
            for prefix, page in references.list_pages().items()
            if page.permission in actor.permissions
        },
        may_find_people=Permission.PEOPLE_READ in actor.permissions,
        may_find_records=Permission.AUDIT_READ in actor.permissions,
    )


def _explain_missing(prefix: str, public_id: str, actor: Actor) -> str:
    page = references.list_pages().get(prefix)
    if page is None:
        return f"No page shows IDs that begin with {prefix}_."
    if page.permission not in actor.permissions:
        return f"To open this {page.noun}, you need the permission {page.permission}."
    return f"No {page.noun} that you may open has the ID {public_id}."


def _find_people(session: Session, actor: Actor, text: str) -> list[AccountDetails]:
    """Return the people with this email or phone number; none for who may not read people."""
    if Permission.PEOPLE_READ not in actor.permissions:
        return []
    if phone := phones.parse_phone(text):
        return people.find_by_phone(session, phone)
    return people.find_by_email(session, text) if "@" in text else []


def _has_records(session: Session, actor: Actor, text: str) -> bool:
    """Whether the audit trail has records of the request with this id, and the actor may see it."""
    return (
        Permission.AUDIT_READ in actor.permissions
        and _REQUEST_ID.fullmatch(text) is not None
        and audit_queries.has_request(session, text)
    )
