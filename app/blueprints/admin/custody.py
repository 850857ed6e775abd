"""Who keeps our tokens: what they say is there against the books, and what went in and out."""

from flask import Response

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import page
from app.custody import queries as custody_queries
from app.custody.rules import Health
from app.kit.db import Session

blp = PageBlueprint("custody", "/admin/custody")

_SHOWN = 20
#: As they write their own names.
NAMES = {"paxos": "Paxos", "primetrust": "Prime Trust", "anchorage": "Anchorage"}


@blp.view("GET", "", permission=Permission.CUSTODY_READ, snapshot=True)
def show(session: Session, _actor: Actor) -> Response:
    """Every custodian, and what moved last."""
    custodians = custody_queries.overview(session)
    open_sends, unknown_sends = custody_queries.open_sends(session)
    return page(
        "admin/custody/index.html",
        "admin/custody/_custody.html",
        custodians=custodians,
        well=sum(each.health is Health.WELL for each in custodians),
        open_sends=open_sends,
        unknown_sends=unknown_sends,
        sends=custody_queries.recent_sends(session, _SHOWN),
        arrivals=custody_queries.recent_arrivals(session, _SHOWN),
        names=NAMES,
    )
