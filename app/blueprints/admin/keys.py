"""The key ring: which keys there are, and how many sealed values need each."""

from flask import Response, current_app

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import page
from app.keys import queries as keys_queries
from app.keys import rotation
from app.keys.ports import KeyRing
from app.kit import clock
from app.kit.db import Session
from app.kit.ports import resolve

blp = PageBlueprint("keys", "/admin/keys")


@blp.view("GET", "", permission=Permission.KEYS_READ)
def ring(session: Session, actor: Actor) -> Response:
    """Every key of the ring, what needs it, and how the last rotation stands."""
    keys = resolve(KeyRing).list_keys()
    needed = keys_queries.count_values_by_key(session)
    days = current_app.extensions["settings"].key_rotation_days
    now = clock.now()
    return page(
        "admin/keys/index.html",
        "admin/keys/_keys.html",
        keys=[(key, needed.pop(key.id, 0)) for key in keys],
        lost=sorted(needed.items()),
        last=keys_queries.latest_rotation(session),
        is_due=any(
            key.active and rotation.is_rotation_due(key.activated_at, now, days) for key in keys
        ),
        days=days,
        may_rotate=Permission.KEYS_ROTATE in actor.permissions,
    )
