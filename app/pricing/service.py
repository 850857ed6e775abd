"""The only writer of ticks and market prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.catalog.rules import PRICED_NAMES, Metal, Priced, parse_priced
from app.kit.db import Session
from app.kit.pipeline import Statement
from app.pricing import queries, rules
from app.pricing.errors import PriceStale
from app.pricing.ports import Observation
from app.pricing.rules import (
    MarketPrice,
    MergedPrice,
    PricingRules,
    SourcesDisagree,
    UnconfirmedJump,
)

RECORDING_LOCK = 7_226_005

_STORE_TICKS = """
INSERT INTO ticks (metal, source, bid, ask, mid, observed_at, received_at)
SELECT t.*, %s FROM unnest(
    %s::text[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::timestamptz[]) t
ON CONFLICT DO NOTHING
RETURNING 1
"""
_LOCK_DOUBTS = """
SELECT metal, doubted_mid, doubted_as_of, doubted_ticks FROM market_prices
ORDER BY metal FOR UPDATE
"""
# A halt is kept; a price never moves back in time, whoever comes late.
_ACCEPT = """
INSERT INTO market_prices (metal, bid, ask, mid, as_of, source, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (metal) DO UPDATE SET
    bid = excluded.bid, ask = excluded.ask, mid = excluded.mid, as_of = excluded.as_of,
    source = excluded.source, updated_at = excluded.updated_at,
    doubted_mid = NULL, doubted_as_of = NULL, doubted_ticks = NULL
WHERE market_prices.as_of <= excluded.as_of
"""
_DOUBT = """
UPDATE market_prices SET doubted_mid = %s, doubted_as_of = %s, doubted_ticks = %s, updated_at = %s
WHERE metal = %s
"""
_HALT = """
UPDATE market_prices SET halted = %s, halted_reason = %s WHERE metal = %s RETURNING metal
"""


class TickOutcome(StrEnum):
    """What became of one metal's observations."""

    #: They are the market price now.
    ACCEPTED = "accepted"
    #: None was fresh, or the market price is newer.
    OUTDATED = "outdated"
    #: The sources differ too much.
    DISPUTED = "disputed"
    #: A jump that awaits confirmation.
    DOUBTED = "doubted"


@dataclass(frozen=True, slots=True)
class TickResult:
    """The outcome for one metal; `detail` says why, for the log."""

    outcome: TickOutcome
    detail: str


def claim_recording_turn(session: Session, *, now: datetime, interval_seconds: float) -> bool:
    """Whether it is this transaction's turn: nobody else is recording, and nobody has within the
    interval. Holds the turn until the transaction ends."""
    turn, last = session.fetch(
        ("SELECT pg_try_advisory_xact_lock(%s)", (RECORDING_LOCK,)),
        ("SELECT max(updated_at) FROM market_prices", ()),
    )
    # A little less than the interval, or one process alone would skip turns by its own jitter.
    pause = timedelta(seconds=interval_seconds * 0.9)
    return turn[0][0] is True and (last[0][0] is None or not now - pause < last[0][0] <= now)


def record_ticks(
    session: Session,
    observations_by_feed: Mapping[str, Sequence[Observation]],
    now: datetime,
    pricing_rules: PricingRules,
) -> dict[Priced, TickResult]:
    """Store every observation, and move each metal's price to what its sources say together.

    Storing one again changes nothing. Says for every observed metal what became of it.
    """
    by_metal: dict[Priced, dict[str, Observation]] = {}
    for feed, observations in observations_by_feed.items():
        for seen in sorted(observations, key=lambda observation: observation.observed_at):
            by_metal.setdefault(seen.metal, {})[feed] = seen
        session.send(*_tick_statement(feed, observations, now))
    doubts, prices = session.fetch((_LOCK_DOUBTS, ()), queries.price_statement(by_metal))
    last = queries.market_prices_from(prices)
    doubted = {
        parse_priced(metal): UnconfirmedJump(*rest)
        for metal, *rest in doubts
        if rest[0] is not None
    }
    return {
        metal: _settle(
            session,
            metal,
            observed,
            last=last.get(metal),
            doubted=doubted.get(metal),
            now=now,
            pricing_rules=pricing_rules,
        )
        for metal, observed in by_metal.items()
    }


def record_history(
    session: Session,
    source: str,
    observations: Sequence[Observation],
    now: datetime,
    pricing_rules: PricingRules,
) -> int:
    """Store a source's past observations with their own dates, and how many of them were new.

    Each metal's latest becomes its market price unless that is newer already. Storing them again
    changes nothing.
    """
    new = len(session.rows(*_tick_statement(source, observations, now)))
    latest = {seen.metal: seen for seen in sorted(observations, key=lambda seen: seen.observed_at)}
    for metal, seen in sorted(latest.items()):
        merged = MergedPrice(rules.quantize_price(seen.mid), seen.observed_at, source)
        _accept(session, metal, merged, now, pricing_rules)
    return new


def set_halt(session: Session, metal: Metal, reason: str | None) -> None:
    """Stop trade in a metal and say why, or resume it with None. Prices go on being recorded.

    Raises `PriceStale` if the metal never had a price: it does not trade anyway.
    """
    if session.row(_HALT, (reason is not None, reason, metal.value)) is None:
        raise PriceStale(f"There is no price of {PRICED_NAMES[metal]} to halt yet")


def _tick_statement(
    source: str, observations: Sequence[Observation], received_at: datetime
) -> Statement:
    return _STORE_TICKS, (
        received_at,
        [seen.metal.value for seen in observations],
        [source for _ in observations],
        [seen.bid for seen in observations],
        [seen.ask for seen in observations],
        [seen.mid for seen in observations],
        [seen.observed_at for seen in observations],
    )


def _settle(
    session: Session,
    metal: Priced,
    observed: Mapping[str, Observation],
    *,
    last: MarketPrice | None,
    doubted: UnconfirmedJump | None,
    now: datetime,
    pricing_rules: PricingRules,
) -> TickResult:
    try:
        merged = rules.merge(observed, now, pricing_rules)
    except SourcesDisagree as dispute:
        return TickResult(TickOutcome.DISPUTED, str(dispute))
    if merged is None:
        return TickResult(TickOutcome.OUTDATED, f"nothing fresh from {', '.join(observed)}")
    stated = f"{merged.mid} from {merged.source}"
    if last is not None and merged.as_of < last.as_of:
        return TickResult(TickOutcome.OUTDATED, f"{stated} is older than the price")
    against = rules.unconfirmed_jump(merged, last, doubted, pricing_rules)
    if against is not None:
        session.send(_DOUBT, (against.mid, against.as_of, against.ticks, now, metal.value))
        return TickResult(TickOutcome.DOUBTED, f"{stated} is a jump, seen {against.ticks} times")
    _accept(session, metal, merged, now, pricing_rules)
    return TickResult(TickOutcome.ACCEPTED, stated)


def _accept(
    session: Session, metal: Priced, merged: MergedPrice, now: datetime, pricing_rules: PricingRules
) -> None:
    bid, ask = rules.bid_and_ask(merged.mid, pricing_rules.spreads_bps[metal])
    session.send(_ACCEPT, (metal.value, bid, ask, merged.mid, merged.as_of, merged.source, now))
