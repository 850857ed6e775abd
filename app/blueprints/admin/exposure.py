"""Exposure: the metal owed to customers against the metal held, now and over the last hours."""

from flask import Response, jsonify

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.rules import PRICED_NAMES, Metal, Token
from app.hedging import queries as hedging_queries
from app.kit import clock
from app.kit.db import Session
from app.pricing import queries as pricing_queries

blp = PageBlueprint("exposure", "/admin/exposure")


@blp.view("GET", "", permission=Permission.EXPOSURE_READ, snapshot=True)
def show_exposure(session: Session, actor: Actor) -> Response:
    """Show the current exposure by metal."""
    exposure = hedging_queries.current_exposure(session)
    markets = pricing_queries.markets(session)
    return render_page(
        "admin/exposure/index.html",
        exposure=exposure,
        names=PRICED_NAMES,
        markets=markets,
        # Beside gold: what is held and owed of it is PAXG as well.
        beside={Metal.AU: markets[Token.PAXG]},
        gate=pricing_queries.gate_state(session),
        hours=pricing_queries.market_session(),
        oldest_price=min((m.as_of for m in markets.values() if m.as_of), default=None),
        may_see_markets=Permission.MARKETS_READ in actor.permissions,
    )


@blp.view("GET", "/history", permission=Permission.EXPOSURE_READ, snapshot=True)
def show_exposure_history(session: Session, _actor: Actor) -> Response:
    """Return each metal's net exposure over the last hours and now, as JSON for the chart.

    Ounces are texts: JavaScript's numbers would round them.
    """
    exposure = hedging_queries.current_exposure(session)
    history = hedging_queries.exposure_history(session)
    response = jsonify(
        {
            "asOf": clock.rfc3339(exposure.as_of),
            "metals": [
                {
                    "metal": metal.metal,
                    "low": str(metal.band.low),
                    "high": str(metal.band.high),
                    "times": [clock.rfc3339(past.taken_at) for past in history[metal.metal]]
                    + [clock.rfc3339(exposure.as_of)],
                    "net": [str(past.net) for past in history[metal.metal]] + [str(metal.net)],
                }
                for metal in exposure.metals
            ],
        }
    )
    response.headers["Cache-Control"] = "no-store"
    return response
