"""The audit trail, to look things up in: who did what to what, and what was denied."""

from typing import Any
from uuid import UUID

from flask import Response, request

from app.access import Actor, Permission
from app.audit import queries as audit_queries
from app.audit.queries import Asked, Record
from app.blueprints.page_blueprint import PageBlueprint, cursor_asked
from app.blueprints.rendering import page
from app.identity import people
from app.identity import queries as identity_queries
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.pagination import Page

blp = PageBlueprint("audit", "/admin/audit")

_TEXT_LENGTH_MAX = 320
_OUTCOMES = ("done", "denied")


@blp.view("GET", "", permission=Permission.AUDIT_READ)
def search(session: Session, _actor: Actor) -> Response:
    """Records, newest first, of one person, about one thing, of one action or outcome."""
    typed = {name: request.args.get(name, "").strip()[:_TEXT_LENGTH_MAX] for name in _FILTERS}
    cursor = cursor_asked()
    problems: dict[str, str] = {}
    asked = Asked(
        actor_id=_person(session, typed["who"], problems),
        subject=_subject(session, typed["what"]),
        action=typed["action"] or None,
        outcome=typed["outcome"] if typed["outcome"] in _OUTCOMES else None,
    )
    empty: Page[Record] = Page([], None)
    found = empty if problems else audit_queries.search(session, asked, cursor=cursor)
    return page(
        "admin/audit/index.html",
        "admin/audit/_audit.html",
        found=found,
        typed=typed,
        problems=problems,
        action_options=[(action, action) for action in audit_queries.actions(session)],
        further="cursor" in request.args,
        **_named(session, *found.data),
    )


@blp.view("GET", "/<record_id>", permission=Permission.AUDIT_READ)
def record(session: Session, _actor: Actor, record_id: str) -> Response:
    """One record, whole."""
    found = audit_queries.record_by_id(session, ids.decode("aud", record_id))
    return page(
        "admin/audit/record.html",
        "admin/audit/_record.html",
        record=found,
        actor_public_id=ids.encode("usr", found.actor_id) if found.actor_id else "",
        behalf_public_id=ids.encode("usr", found.on_behalf_of) if found.on_behalf_of else "",
        **_named(session, found),
    )


_FILTERS = ("who", "what", "action", "outcome")


def _person(session: Session, text: str, problems: dict[str, str]) -> UUID | None:
    """Whose acts are wanted, by public id or address."""
    if not text:
        return None
    try:
        if "@" in text:
            return identity_queries.person_by_email(session, text).id
        return ids.decode("usr", text)
    except (NotFound, Invalid):
        problems["who"] = "No person has this email or ID. Check the spelling."
        return None


def _subject(session: Session, text: str) -> str | None:
    """A public id as it is, a person's address as their id."""
    try:
        if "@" in text:
            return ids.encode("usr", identity_queries.person_by_email(session, text).id)
    except (NotFound, Invalid):
        return text
    return text or None


def _named(session: Session, *records: Record) -> dict[str, Any]:
    """The names of everybody whom the records name: by id, and by public id."""
    named = {_id_of(each.subject) for each in records}
    named |= {each.actor_id for each in records} | {each.on_behalf_of for each in records}
    names = people.names(session, [identifier for identifier in named if identifier is not None])
    return {
        "names": names,
        "subjects": {ids.encode("usr", identifier): name for identifier, name in names.items()},
    }


def _id_of(subject: str) -> UUID | None:
    try:
        return ids.decode("usr", subject)
    except NotFound:
        return None
