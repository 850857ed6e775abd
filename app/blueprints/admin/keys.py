"""The key ring: its keys, and how many sealed values need each of them."""

from flask import Response, current_app

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.keys import queries as keys_queries
from app.keys import rotation
from app.keys.ports import KeyRing, KeyState
from app.kit import clock
from app.kit.db import Session
from app.kit.ports import resolve

blp = PageBlueprint("keys", "/admin/keys")


@blp.view("GET", "", permission=Permission.KEYS_READ)
def show_key_ring(session: Session, actor: Actor) -> Response:
    """Show the keys of the ring, how many values need each, and the last rotation."""
    keys = resolve(KeyRing).list_keys()
    value_counts = keys_queries.count_values_by_key(session)
    days = current_app.extensions["settings"].key_rotation_days
    now = clock.now()
    known = [(key.id, key.state, key.created_at, value_counts.pop(key.id, 0)) for key in keys]
    # What is left needs keys that the ring does not have.
    lost = [(key_id, KeyState.LOST, None, count) for key_id, count in sorted(value_counts.items())]
    return render_page(
        "admin/keys/index.html",
        keys=known + lost,
        last_rotation=keys_queries.latest_rotation(session),
        is_due=any(
            key.active and rotation.is_rotation_due(key.activated_at, now, days) for key in keys
        ),
        days=days,
        may_rotate=Permission.KEYS_ROTATE in actor.permissions,
    )
