"""Custody: balances at custodians against our books, recent payouts and incoming transfers."""

from flask import Response

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.custody import queries as custody_queries
from app.custody.rules import CustodianHealth
from app.kit.db import Session

blp = PageBlueprint("custody", "/admin/custody")

_ROWS_SHOWN = 20


@blp.view("GET", "", permission=Permission.CUSTODY_READ, snapshot=True)
def show_custodians(session: Session, _actor: Actor) -> Response:
    """Show every custodian's balances, with recent payouts and incoming transfers."""
    custodians = custody_queries.custodian_overviews(session)
    open_sends, unknown_sends = custody_queries.open_send_counts(session)
    return render_page(
        "admin/custody/index.html",
        custodians=custodians,
        healthy=sum(custodian.health is CustodianHealth.HEALTHY for custodian in custodians),
        open_sends=open_sends,
        unknown_sends=unknown_sends,
        sends=custody_queries.recent_sends(session, _ROWS_SHOWN),
        arrivals=custody_queries.recent_incoming_transfers(session, _ROWS_SHOWN),
    )
