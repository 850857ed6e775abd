"""A change of price rules as the request for a second person shows it."""

from datetime import datetime

from app.approvals.registry import ProposedChange
from app.catalog.rules import PRICED_NAMES, USD
from app.kit.db import Session
from app.kit.formatting import (
    format_amount,
    format_count,
    format_number_of,
    format_price,
    format_time,
)
from app.kit.money import Amount
from app.shop.prices import changes, queries
from app.shop.prices.changes import PriceChange
from app.shop.prices.effects import PriceEffect, Trial
from app.shop.prices.rules import PriceScope, summarize_tiers

#: How many rules, and how many prices, a request names; the page of the change has all.
_NAMED_MAX = 20


def write_change(session: Session, change: PriceChange, trial: Trial) -> ProposedChange:
    """Return what the rules say and what products cost, before and after."""
    plan = change.plan
    assert plan is not None, "its effect was shown"
    replaced = [rule_id for rule_id in trial.replaced if rule_id is not None]
    ended = [plan.ends] if plan.ends is not None else []
    stored = queries.list_versions(session, [*replaced, *ended])
    before: dict[str, str] = {}
    moves = [changes.to_moved(each.percent) for each in trial.effects]
    known = [moved for moved in moves if moved is not None]
    count = len({effect.sku for effect in trial.effects})
    after = {
        "products": format_number_of(count, "product"),
        "largest moves": changes.write_range(known),
        "asks": write_asks(change),
    }
    if plan.valid_from is not None:
        after["from"] = plan.valid_from.isoformat()
    if plan.valid_until is not None:
        after["until"] = plan.valid_until.isoformat()
    for version, rule_id in list(zip(plan.versions, trial.replaced, strict=True))[:_NAMED_MAX]:
        name = _name_rule(session, version.scope)
        old = stored.get(rule_id) if rule_id is not None else None
        before[name] = summarize_tiers(old.tiers) if old else "No rule of its own"
        after[name] = summarize_tiers(version.tiers)
    if plan.ends is not None:
        rule = stored[plan.ends]
        before[_name_rule(session, rule.scope)] = summarize_tiers(rule.tiers)
        after[_name_rule(session, rule.scope)] = "Ended"
    moved_most = sorted(trial.effects, key=_size, reverse=True)
    for sku in list(dict.fromkeys(effect.sku for effect in moved_most))[:_NAMED_MAX]:
        own = [effect for effect in trial.effects if effect.sku == sku]
        before[sku] = ", ".join(
            f"{_write_start(each)}{_write_price(each.before_units)}" for each in own
        )
        after[sku] = ", ".join(
            f"{_write_start(each)}{_write_price(each.after_units)}"
            f" ({changes.write_percent(changes.to_moved(each.percent))})"
            for each in own
        )
    return ProposedChange(before, after)


def write_instant(text: str) -> str:
    """Return a stored instant for people."""
    return format_time(datetime.fromisoformat(text))


def write_asks(change: PriceChange) -> str:
    """Return the prices of metals by which the effect was shown."""
    asks = (f"{PRICED_NAMES[metal]} {format_price(ask)}" for metal, ask in change.asks.items())
    return ", ".join(asks)


def _name_rule(session: Session, scope: PriceScope) -> str:
    name = queries.name_products(session, scope)
    return f"RULE {name}" if scope.sku is not None else f"rule of {name.lower()}"


def _size(effect: PriceEffect) -> int:
    return abs(changes.to_moved(effect.percent) or 0)


def _write_start(effect: PriceEffect) -> str:
    quantity = effect.from_quantity
    return f"from {format_count(quantity)} units " if quantity > 1 else ""


def _write_price(cents: int | None) -> str:
    return "No price" if cents is None else format_amount(Amount(USD, cents))
