"""The home of the teller desk."""

from flask import Response

from app.access import Actor, Permission
from app.blueprints import desk_home
from app.blueprints.nav import Desk
from app.blueprints.page_blueprint import PageBlueprint
from app.counter.drawers import queries as drawers_queries
from app.kit.db import Session

blp = PageBlueprint("teller", "/teller")


@blp.view("GET", "/", permission=Permission.ACCOUNT_READ)
def show_home(session: Session, actor: Actor) -> Response:
    """Show what waits for the person, or redirect a person of another desk to their own home."""
    drawer = drawers_queries.find_own_drawer(session, actor)
    note = "You have no open drawer."
    if drawer is not None:
        note = f"Your drawer at till {drawer.till_code}: {drawer.status.label.lower()}."
    return desk_home.show_home(session, actor, Desk.TELLER, note)
