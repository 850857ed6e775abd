"""The verbs of pricing: record ticks, accept market prices, halt metals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.access import Actor, Permission, require
from app.approvals import rules as approvals_rules
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import Haltable, Priced, parse_priced
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.pipeline import Statement
from app.pricing import queries, rules
from app.pricing.errors import MarketAlreadyHalted, MarketNotHalted
from app.pricing.ports import Observation
from app.pricing.rules import (
    HaltReason,
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
# Only observations that are not older than the last one are returned.
_FOLLOW_SOURCES = """
INSERT INTO source_prices (metal, source, bid, ask, mid, observed_at, unchanged_since)
SELECT t.*, t.observed_at FROM unnest(
    %s::text[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::timestamptz[]
) t (metal, source, bid, ask, mid, observed_at)
ORDER BY metal, source
ON CONFLICT (metal, source) DO UPDATE SET
    bid = excluded.bid, ask = excluded.ask, mid = excluded.mid, observed_at = excluded.observed_at,
    unchanged_since = CASE
        WHEN (source_prices.bid, source_prices.ask, source_prices.mid)
            IS NOT DISTINCT FROM (excluded.bid, excluded.ask, excluded.mid)
        THEN source_prices.unchanged_since ELSE excluded.observed_at
    END
WHERE source_prices.observed_at <= excluded.observed_at
RETURNING metal, source, unchanged_since
"""
# Never replaces a newer price.
_ACCEPT = """
WITH accepted AS (
    INSERT INTO market_prices (metal, bid, ask, mid, as_of, fresh_until, source, updated_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (metal) DO UPDATE SET
        bid = excluded.bid, ask = excluded.ask, mid = excluded.mid, as_of = excluded.as_of,
        fresh_until = excluded.fresh_until, source = excluded.source,
        updated_at = excluded.updated_at,
        doubted_mid = NULL, doubted_as_of = NULL, doubted_ticks = NULL
    WHERE market_prices.as_of <= excluded.as_of
    RETURNING metal, as_of, mid
)
INSERT INTO accepted_prices (metal, as_of, mid) SELECT metal, as_of, mid FROM accepted
ON CONFLICT DO NOTHING
"""
# Prices of the past that no other source disputed then.
_KEEP_HISTORY = """
INSERT INTO accepted_prices (metal, as_of, mid)
SELECT t.metal, t.as_of, t.mid FROM unnest(%s::text[], %s::timestamptz[], %s::numeric[])
    AS t (metal, as_of, mid)
ON CONFLICT DO NOTHING
"""
_DOUBT = """
UPDATE market_prices SET doubted_mid = %s, doubted_as_of = %s, doubted_ticks = %s, updated_at = %s
WHERE metal = %s
"""
_HALT = """
INSERT INTO market_halts (id, asset, reason, note, halted_at, halted_by)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (asset) WHERE lifted_at IS NULL DO NOTHING
RETURNING id
"""
_LIFT = """
UPDATE market_halts SET lifted_at = %s, lifted_by = %s, lifted_note = %s
WHERE asset = %s AND lifted_at IS NULL
RETURNING reason
"""


class TickOutcome(StrEnum):
    """The outcome for one metal's observations."""

    #: They are the market price now.
    ACCEPTED = "accepted"
    #: None was fresh, or the market price is newer.
    OUTDATED = "outdated"
    #: Every fresh source has reported the same price for too long.
    FROZEN = "frozen"
    #: The sources differ too much.
    DISPUTED = "disputed"
    #: A jump that awaits confirmation.
    DOUBTED = "doubted"


@dataclass(frozen=True, slots=True)
class TickResult:
    """The outcome for one metal. `detail` gives the reason, for the log."""

    outcome: TickOutcome
    detail: str


def claim_recording_turn(session: Session, *, now: datetime, interval_seconds: float) -> bool:
    """Return whether this transaction may record: no other is recording, and none has within the
    interval. The claim is held until the transaction ends."""
    [(is_locked,)], [(recorded_at,)] = session.fetch(
        ("SELECT pg_try_advisory_xact_lock(%s)", (RECORDING_LOCK,)),
        ("SELECT max(updated_at) FROM market_prices", ()),
    )
    # Slightly less than the interval, so that the jitter of a single process skips no turn.
    pause = timedelta(seconds=interval_seconds * 0.9)
    return is_locked and (recorded_at is None or not now - pause < recorded_at <= now)


def record_ticks(
    session: Session,
    observations_by_feed: Mapping[str, Sequence[Observation]],
    now: datetime,
    pricing_rules: PricingRules,
) -> dict[Priced, TickResult]:
    """Store every observation and set each metal's price to the merged price of its sources.

    Storing an observation again changes nothing. Return the result for every observed metal.
    """
    by_metal: dict[Priced, dict[str, Observation]] = {}
    for feed, observations in observations_by_feed.items():
        for observation in sorted(observations, key=lambda each: each.observed_at):
            by_metal.setdefault(observation.metal, {})[feed] = observation
        session.send(*_tick_statement(feed, observations, now))
    doubts, prices, sources = session.fetch(
        (_LOCK_DOUBTS, ()), queries.price_statement(by_metal), _source_statement(by_metal)
    )
    unchanged_since: dict[Priced, dict[str, datetime]] = {}
    for metal, source, since in sources:
        unchanged_since.setdefault(parse_priced(metal), {})[source] = since
    last = queries.market_prices_from(prices)
    doubted = {
        parse_priced(metal): UnconfirmedJump(*rest)
        for metal, *rest in doubts
        if rest[0] is not None
    }
    return {
        metal: _update_price(
            session,
            metal,
            observed,
            last=last.get(metal),
            doubted=doubted.get(metal),
            unchanged_since={
                source: unchanged_since.get(metal, {}).get(source, observation.observed_at)
                for source, observation in observed.items()
            },
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
    """Store a source's past observations with their own dates, as prices that were accepted where
    none was. Return how many were new.

    Each metal's latest observation becomes its market price unless that is newer. Storing the
    observations again changes nothing.
    """
    new = len(session.rows(*_tick_statement(source, observations, now)))
    session.send(*_history_statement(observations))
    in_order = sorted(observations, key=lambda each: each.observed_at)
    latest = {observation.metal: observation for observation in in_order}
    for metal, observation in sorted(latest.items()):
        merged = MergedPrice(
            rules.quantize_price(observation.mid),
            observation.observed_at,
            source,
            observation.observed_at + pricing_rules.settings.lifetime(source),
        )
        _accept(session, metal, merged, now, pricing_rules)
    return new


def halt_market(
    session: Session, actor: Actor | None, asset: Haltable, reason: HaltReason, *, note: str
) -> None:
    """Stop every order that needs the price of this metal or token, or that gives or receives this
    stablecoin, until it is lifted. Prices are still recorded. `actor` is None on the command line.

    Customers read the reason, and staff the note. Raises `PermissionDenied`, `Invalid` for the
    note, and `MarketAlreadyHalted`.
    """
    if actor is not None:
        require(actor, Permission.MARKETS_HALT)
    cleaned = approvals_rules.clean_reason(note)
    values = (ids.new(), asset.value, reason, cleaned, clock.now(), actor and actor.user_id)
    if session.row(_HALT, values) is None:
        raise MarketAlreadyHalted
    audit.record(
        session,
        actor=actor,
        action=AuditAction.MARKET_HALTED,
        subject=asset.value,
        after={"reason": reason},
        reason=cleaned,
    )


def resume_market(session: Session, actor: Actor | None, asset: Haltable, *, note: str) -> None:
    """Lift the halt of a market. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` for the note, and `MarketNotHalted`.
    """
    if actor is not None:
        require(actor, Permission.MARKETS_HALT)
    cleaned = approvals_rules.clean_reason(note)
    halt = session.row(_LIFT, (clock.now(), actor and actor.user_id, cleaned, asset.value))
    if halt is None:
        raise MarketNotHalted
    [reason] = halt
    audit.record(
        session,
        actor=actor,
        action=AuditAction.MARKET_RESUMED,
        subject=asset.value,
        before={"reason": reason},
        reason=cleaned,
    )


def _tick_statement(
    source: str, observations: Sequence[Observation], received_at: datetime
) -> Statement:
    return _STORE_TICKS, (
        received_at,
        [observation.metal.value for observation in observations],
        [source for _ in observations],
        [observation.bid for observation in observations],
        [observation.ask for observation in observations],
        [observation.mid for observation in observations],
        [observation.observed_at for observation in observations],
    )


def _history_statement(observations: Sequence[Observation]) -> Statement:
    return _KEEP_HISTORY, (
        [observation.metal.value for observation in observations],
        [observation.observed_at for observation in observations],
        [rules.quantize_price(observation.mid) for observation in observations],
    )


def _source_statement(by_metal: Mapping[Priced, Mapping[str, Observation]]) -> Statement:
    latest = [
        (source, observation)
        for observed in by_metal.values()
        for source, observation in observed.items()
    ]
    return _FOLLOW_SOURCES, (
        [observation.metal.value for _, observation in latest],
        [source for source, _ in latest],
        [observation.bid for _, observation in latest],
        [observation.ask for _, observation in latest],
        [observation.mid for _, observation in latest],
        [observation.observed_at for _, observation in latest],
    )


def _update_price(
    session: Session,
    metal: Priced,
    observed: Mapping[str, Observation],
    *,
    last: MarketPrice | None,
    doubted: UnconfirmedJump | None,
    unchanged_since: Mapping[str, datetime],
    now: datetime,
    pricing_rules: PricingRules,
) -> TickResult:
    try:
        merged = rules.merge(observed, now, pricing_rules, unchanged_since)
    except SourcesDisagree as dispute:
        return TickResult(TickOutcome.DISPUTED, str(dispute))
    frozen = [
        f"{source} {observation.mid} since {unchanged_since[source]:%Y-%m-%d %H:%M:%S}"
        for source, observation in observed.items()
        if pricing_rules.is_frozen(observation, unchanged_since[source])
    ]
    if merged is None and frozen:
        return TickResult(TickOutcome.FROZEN, ", ".join(frozen))
    if merged is None:
        return TickResult(TickOutcome.OUTDATED, f"nothing fresh from {', '.join(observed)}")
    summary = f"{merged.mid} from {merged.source}"
    if last is not None and merged.as_of < last.as_of:
        return TickResult(TickOutcome.OUTDATED, f"{summary} is older than the price")
    jump = rules.unconfirmed_jump(merged, last, doubted, pricing_rules)
    if jump is not None:
        session.send(_DOUBT, (jump.mid, jump.as_of, jump.ticks, now, metal.value))
        return TickResult(TickOutcome.DOUBTED, f"{summary} is a jump, seen {jump.ticks} times")
    _accept(session, metal, merged, now, pricing_rules)
    return TickResult(TickOutcome.ACCEPTED, summary)


def _accept(
    session: Session, metal: Priced, merged: MergedPrice, now: datetime, pricing_rules: PricingRules
) -> None:
    bid, ask = rules.bid_and_ask(merged.mid, pricing_rules.settings.spread_bps(metal))
    session.send(
        _ACCEPT,
        (
            metal.value,
            bid,
            ask,
            merged.mid,
            merged.as_of,
            merged.fresh_until,
            merged.source,
            now,
        ),
    )
