"""The key ring: which keys there are and what needs them; asking for a rotation."""

from flask import Response, current_app, request, url_for

from app.access import Actor, Permission
from app.blueprints.pages import PageBlueprint, said_at_form, see_other
from app.blueprints.rendering import page
from app.keys import asking, queries, rotation
from app.keys.ports import KeyRing
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid
from app.kit.ports import resolve

blp = PageBlueprint("keys", "/admin/keys")


@blp.view("GET", "", permission=Permission.KEYS_READ)
def ring(session: Session, actor: Actor) -> Response:
    """Every key of the ring, and how many sealed values need it."""
    return _ring(session, actor)


@blp.view("POST", "/rotate", permission=Permission.KEYS_ROTATE)
def rotate(session: Session, actor: Actor) -> Response:
    """Ask a second person for a rotation."""
    try:
        with session.attempt():
            asked = asking.ask_to_rotate(session, actor, reason=request.form.get("reason", ""))
    except (Invalid, Conflict) as refusal:
        return _ring(session, actor, *said_at_form(refusal))
    return see_other(url_for("approvals_pages.approval", approval_id=ids.encode("apr", asked)))


def _ring(
    session: Session, actor: Actor, status: int = 200, problems: dict[str, str] | None = None
) -> Response:
    keys = resolve(KeyRing).list_keys()
    needed = queries.values_by_key(session)
    days = current_app.extensions["settings"].key_rotation_days
    now = clock.now()
    return page(
        "admin/keys/index.html",
        "admin/keys/_keys.html",
        status=status,
        keys=[(key, needed.pop(key.id, 0)) for key in keys],
        lost=sorted(needed.items()),
        last=queries.last_rotation(session),
        is_due=any(key.active and rotation.is_due(key.activated_at, now, days) for key in keys),
        days=days,
        may_rotate=Permission.KEYS_ROTATE in actor.permissions,
        problems=problems or {},
        typed=request.form,
    )
