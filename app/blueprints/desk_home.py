"""The home of a desk: what waits for the person who works there."""

from flask import Response, url_for

from app.access import Actor
from app.blueprints import nav, rendering
from app.blueprints.nav import Desk
from app.blueprints.page_blueprint import see_other
from app.branches import queries as branches_queries
from app.kit.db import Session

_TITLES = {
    Desk.ADMIN: "Administration desk",
    Desk.SUPPORT: "Support desk",
    Desk.TELLER: "Teller desk",
}


def show_home(session: Session, actor: Actor, desk: Desk, note: str = "") -> Response:
    """Show the home of the desk, or redirect a person of another desk to their own home. `note` is
    a sentence about the state of their work."""
    if nav.desk_of(actor.role) is not desk:
        return see_other(url_for(nav.home_of(actor.role)))
    return rendering.render_page(
        "home.html",
        title=_TITLES[desk],
        note=note,
        sections=nav.sections_for(actor),
        branch=branches_queries.get_branch(session, actor, actor.branch_id)
        if actor.branch_id
        else None,
        lacks_branch=nav.lacks_branch(actor),
    )
