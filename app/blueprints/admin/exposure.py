"""Exposure: the metal owed to customers against the metal held, now and over the last hours."""

from flask import Response, jsonify

from app.access import Actor, Permission
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.rules import PRICED_NAMES
from app.hedging import queries as hedging_queries
from app.kit import clock
from app.kit.db import Session
from app.pricing.rules import PriceFault

blp = PageBlueprint("exposure", "/admin/exposure")


@blp.view("GET", "", permission=Permission.EXPOSURE_READ, snapshot=True)
def show_exposure(session: Session, _actor: Actor) -> Response:
    """Show the current exposure by metal."""
    exposure = hedging_queries.current_exposure(session)
    prices = [metal.price for metal in exposure.metals if metal.price is not None]
    return render_page(
        "admin/exposure/index.html",
        exposure=exposure,
        names=PRICED_NAMES,
        oldest_price=min(prices, key=lambda price: price.as_of, default=None),
        price_faults={price.metal: price.fault(exposure.as_of) for price in prices},
        stale=PriceFault.STALE if any(price.is_stale(exposure.as_of) for price in prices) else None,
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
