"""Markets: what trades at which price, and the halts of staff."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.form_changes import Facts
from app.blueprints.forms import Form, FormSchema, choice_field, reason_field
from app.blueprints.lists import Column, Filter, ListPage, PersonCell
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.rules import Stablecoin, Token
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_price
from app.kit.ports import resolve
from app.pricing import hours, queries, service
from app.pricing.rules import HaltReason, MarketHours

blp = PageBlueprint("markets", "/admin/markets")


class HaltSchema(FormSchema):
    """Why a market is halted: for customers, and for staff."""

    category = choice_field(
        "What customers read", "Choose what customers read.", HaltReason.options()
    )
    reason = reason_field()


class ResumeSchema(FormSchema):
    """Why a halt is lifted."""

    reason = reason_field()


def _describe_market(session: Session, _actor: Actor, asset: str) -> Facts:
    market = queries.get_market(session, asset)
    return {"Market": market.name, "Status": market.status.label}


HALT = Form(
    "halt",
    title="Halt",
    about="No order that needs this price, or this token, goes through, quotes included, until the"
    " halt is lifted.",
    schema=HaltSchema,
    button="Halt market",
    success="Market halted.",
    failure="The market was not halted",
    confirm="Halt this market?",
    current=_describe_market,
    subject=lambda asset: asset,
)
RESUME = Form(
    "resume",
    title="Lift the halt",
    about="Orders go through again at once, if the price is current and the market is open.",
    schema=ResumeSchema,
    button="Lift halt",
    success="Halt lifted.",
    failure="The halt was not lifted",
    confirm="Lift this halt?",
    current=_describe_market,
    subject=lambda asset: asset,
)
MARKETS = ListPage(
    name="markets",
    title="Markets",
    about="Metals, and tokens with a price of their own, in US dollars per troy ounce; and USDC,"
    " which counts as a dollar.",
    source=lambda _session, _actor: queries.every_market(),
    columns=(
        Column("name", "Market", lambda market: market.name),
        Column("status", "Status", lambda market: market.status),
        Column("mid", "Mid price", lambda row: row.mid and format_price(row.mid), is_figure=True),
        Column("as_of", "As of", lambda market: market.as_of),
        Column("reason", "Halted for", lambda market: market.halted_reason),
        Column("halted", "Since", lambda market: market.halted_at),
        Column("asset", "Asset", lambda market: market.asset.value, sort="asset", is_hidden=True),
        Column("source", "Source", lambda market: market.source, is_hidden=True),
    ),
    row_url=lambda market: url_for("markets_pages.show_market", asset=market.asset.value),
    default_sort="asset",
    empty=("No markets", "The catalogue has none."),
)
HALTS = ListPage(
    name="market_halts",
    title="History of halts",
    about="Every halt of a market, and its end.",
    source=lambda _session, _actor: queries.HALTS,
    columns=(
        Column("asset", "Market", lambda halt: halt.asset),
        Column("reason", "Halted for", lambda halt: halt.reason),
        Column("halted", "From", lambda halt: halt.halted_at, sort="halted"),
        Column("by", "Halted by", lambda halt: PersonCell(halt.halted_by, "System")),
        Column("note", "Reason", lambda halt: halt.note),
        Column("lifted", "Until", lambda halt: halt.lifted_at),
        Column(
            "lifted_by",
            "Lifted by",
            lambda halt: PersonCell(halt.lifted_by, "System") if halt.lifted_at else None,
        ),
        Column("lifted_note", "Reason of the lift", lambda halt: halt.lifted_note),
    ),
    default_sort="-halted",
    filters=(Filter("asset", "Market", hint="AU, AG, PT, PD, CU, PAXG or USDC"),),
    empty=("No halts", "No market was ever halted."),
)
blp.add_list("", MARKETS, permission=Permission.MARKETS_READ)
blp.add_list("/halts", HALTS, permission=Permission.MARKETS_READ)


@blp.view("GET", "/<asset>", permission=Permission.MARKETS_READ)
def show_market(session: Session, actor: Actor, asset: str) -> Response:
    """Show a market: its price, its hours, its halt, and the form that halts or resumes it."""
    market, now = queries.get_market(session, asset), clock.now()
    is_stablecoin = isinstance(market.asset, Stablecoin)
    follows_calendar = resolve(MarketHours) is MarketHours.REAL and not is_stablecoin
    return render_page(
        "admin/markets/market.html",
        market=market,
        gate=queries.gate_state(session) if market.asset is Token.PAXG else None,
        is_stablecoin=is_stablecoin,
        closes=hours.next_close(now) if follows_calendar else None,
        opens=hours.next_opening(now) if follows_calendar else None,
        halted_by=ids.encode("usr", market.halted_by) if market.halted_by else None,
        halt_form=HALT,
        resume_form=RESUME,
        may_halt=Permission.MARKETS_HALT in actor.permissions,
    )


@blp.form(
    "/<asset>/halt", HALT, shown_on=show_market, permission=Permission.MARKETS_HALT, fresh=True
)
def halt_market(session: Session, actor: Actor, fields: Mapping[str, Any], asset: str) -> None:
    """Halt a market."""
    market = queries.get_market(session, asset)
    reason = HaltReason(fields["category"])
    service.halt_market(session, actor, market.asset, reason, note=fields["reason"])


@blp.form(
    "/<asset>/resume", RESUME, shown_on=show_market, permission=Permission.MARKETS_HALT, fresh=True
)
def resume_market(session: Session, actor: Actor, fields: Mapping[str, Any], asset: str) -> None:
    """Lift the halt of a market."""
    market = queries.get_market(session, asset)
    service.resume_market(session, actor, market.asset, note=fields["reason"])
