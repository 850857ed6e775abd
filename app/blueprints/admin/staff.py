"""Inviting people to work here."""

from flask import Response, request, url_for

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint, see_other
from app.blueprints.rendering import page
from app.identity import invitations
from app.identity.errors import EmailTaken
from app.kit.db import Session
from app.kit.errors import Invalid

blp = PageBlueprint("staff", "/admin/staff")

_LENGTHS = {"email": 320, "first_name": 200, "last_name": 200, "role": 20}
_FIELDS = {"firstName": "first_name", "lastName": "last_name"}


@blp.view("GET", "", permission=Permission.STAFF_INVITE)
def show(session: Session, actor: Actor) -> Response:
    """Who was invited and has not accepted yet, and a form to invite somebody."""
    return _staff(session, actor)


@blp.view("POST", "", permission=Permission.STAFF_INVITE, fresh=True)
def invite(session: Session, actor: Actor) -> Response:
    """Add a person and mail them a link."""
    given = {name: request.form.get(name, "").strip()[:length] for name, length in _LENGTHS.items()}
    try:
        invitations.invite(session, actor, **given)
    except EmailTaken as refusal:
        return _staff(session, actor, given, 409, {"email": refusal.detail})
    except Invalid as refusal:
        field = _FIELDS.get(refusal.field, refusal.field)
        return _staff(session, actor, given, 422, {field: refusal.message})
    return see_other(url_for("staff_pages.show"))


@blp.view("POST", "/<identifier>/invite", permission=Permission.STAFF_INVITE, fresh=True)
def invite_again(session: Session, actor: Actor, identifier: str) -> Response:
    """Mail another link in place of the one before."""
    invitations.invite_again(session, actor, identifier)
    return see_other(url_for("staff_pages.show"))


def _staff(
    session: Session,
    actor: Actor,
    given: dict[str, str] | None = None,
    status: int = 200,
    problems: dict[str, str] | None = None,
) -> Response:
    return page(
        "admin/staff/index.html",
        "admin/staff/_staff.html",
        status=status,
        given=given or {},
        problems=problems or {},
        roles=invitations.roles_for(session, actor),
        waiting=invitations.waiting(session),
    )
