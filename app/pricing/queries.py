"""Reads of pricing: the prices that orders use, and the markets with their halts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import sqlalchemy as sa

from app.catalog.rules import (
    HALTABLE_NAMES,
    Haltable,
    Metal,
    Priced,
    Stablecoin,
    Token,
    parse_haltable,
    parse_priced,
)
from app.kit import clock
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.pipeline import Row, Statement
from app.kit.ports import resolve
from app.pricing import hours
from app.pricing.errors import GateClosed, MarketHalted, PriceStale
from app.pricing.gate import (
    GATE_PRICES,
    GateRules,
    GateStatus,
    deviation_bps,
    require_gate_open,
)
from app.pricing.hours import Closed
from app.pricing.models import MarketHalt, MarketPriceRow
from app.pricing.rules import (
    HaltReason,
    MarketHours,
    MarketPrice,
    MarketStatus,
    PriceSettings,
    PricingRules,
)
from app.settings.queries import current

_STABLECOIN_CODES = frozenset(each.value for each in Stablecoin)
# A stablecoin has no price. Its halt comes along, so that an order reads it in the same trip.
_PRICES = """
SELECT p.metal, p.bid, p.ask, p.mid, p.as_of, p.fresh_until, p.source, h.reason
FROM market_prices p LEFT JOIN market_halts h ON h.asset = p.metal AND h.lifted_at IS NULL
WHERE p.metal = ANY(%s)
UNION ALL
SELECT asset, NULL, NULL, NULL, NULL, NULL, NULL, reason
FROM market_halts WHERE asset = 'USDC' AND lifted_at IS NULL
"""
# The price of an instant, or the first one after it where there was none.
_MIDS_AT = """
SELECT at, metal, coalesce(
    (SELECT p.mid FROM accepted_prices p WHERE p.metal = m.metal AND p.as_of <= at
     ORDER BY p.as_of DESC LIMIT 1),
    (SELECT p.mid FROM accepted_prices p WHERE p.metal = m.metal AND p.as_of > at
     ORDER BY p.as_of LIMIT 1)
)
FROM unnest(%s::timestamptz[]) AS i (at), unnest(%s::text[]) AS m (metal)
"""


def current_rules(session: Session) -> PricingRules:
    """Return the rules in effect: the same ones throughout a transaction."""
    return PricingRules(current(session, PriceSettings), resolve(MarketHours))


def market_prices(session: Session, metals: Iterable[Priced] | None = None) -> list[MarketPrice]:
    """Return the prices of these metals, or of all if None, in the catalogue's order. Metals
    without a price are absent."""
    wanted = frozenset(Metal if metals is None else metals)
    prices = market_prices_from(session.rows(*price_statement(wanted)))
    return [prices[priced_as] for priced_as in (*Metal, *Token) if priced_as in prices]


def bids(session: Session) -> dict[Priced, Decimal]:
    """Return the latest bid of every metal and token that ever had a price, however old."""
    return {price.metal: price.bid for price in market_prices(session, (*Metal, *Token))}


def sale_bids(session: Session) -> dict[Priced, Decimal]:
    """As `bids`, but zero for what cannot be sold because its market is halted."""
    prices = {price.metal: price for price in market_prices(session, (*Metal, *Token))}
    # An order of PAXG needs gold's price too.
    needed = {priced: (priced,) for priced in prices} | {Token.PAXG: GATE_PRICES}
    return {
        priced: Decimal(0)
        if any(each in prices and prices[each].halted for each in needed[priced])
        else price.bid
        for priced, price in prices.items()
    }


def mids_at(
    session: Session, instants: Iterable[datetime]
) -> dict[datetime, dict[Priced, Decimal]]:
    """Return the accepted mid of every metal and token at each instant; the first one after it for
    what had none yet. What never had a price is absent."""
    wanted = sorted(set(instants))
    mids: dict[datetime, dict[Priced, Decimal]] = {instant: {} for instant in wanted}
    codes = [priced.value for priced in (*Metal, *Token)]
    for instant, metal, mid in session.rows(_MIDS_AT, (wanted, codes)):
        if mid is not None:
            mids[instant][parse_priced(metal)] = mid
    return mids


def price_statement(metals: Iterable[Priced]) -> Statement:
    """Return a statement to send together with others; pass its rows to `market_prices_from`."""
    return _PRICES, (sorted(metal.value for metal in metals),)


def market_prices_from(rows: Sequence[Row]) -> dict[Priced, MarketPrice]:
    """Return the prices in the rows of `price_statement`, by metal."""
    prices = {}
    for metal, bid, ask, mid, as_of, fresh_until, source, halt in rows:
        if metal in _STABLECOIN_CODES:
            continue
        priced, reason = parse_priced(metal), HaltReason(halt) if halt else None
        prices[priced] = MarketPrice(
            priced, bid, ask, mid, as_of, fresh_until, source, reason is not None, reason
        )
    return prices


def stablecoin_halts_from(rows: Sequence[Row]) -> dict[Stablecoin, HaltReason]:
    """Return why stablecoins are halted, from the rows of `price_statement`; others are absent."""
    return {
        Stablecoin(code): HaltReason(halt) for code, *_, halt in rows if code in _STABLECOIN_CODES
    }


@dataclass(frozen=True, slots=True)
class Market:
    """A market with its last price, and the halt that is in force."""

    id: UUID
    asset: Haltable
    mid: Decimal | None
    as_of: datetime | None
    fresh_until: datetime | None
    source: str | None
    halted_reason: HaltReason | None
    note: str | None
    halted_at: datetime | None
    halted_by: UUID | None

    @property
    def name(self) -> str:
        """Its name, for people."""
        name = HALTABLE_NAMES[self.asset]
        return name[0].upper() + name[1:]

    @property
    def status(self) -> MarketStatus:
        """Whether it trades now."""
        if self.halted_reason is not None:
            return MarketStatus.HALTED
        if isinstance(self.asset, Stablecoin):
            return MarketStatus.OPEN
        now = clock.now()
        if not resolve(MarketHours).is_open(now):
            return MarketStatus.CLOSED
        is_fresh = self.fresh_until is not None and now <= self.fresh_until
        return MarketStatus.OPEN if is_fresh else MarketStatus.STALE


def _market(asset: str, **columns: Any) -> Market:
    return Market(asset=parse_haltable(asset), **columns)


def every_market() -> ListSource[Market]:
    """Return the list of all markets."""
    declared = sa.values(
        sa.column("id", sa.Uuid), sa.column("asset", sa.Text), name="declared"
    ).data([(market_id(each), each.value) for each in HALTABLE_NAMES])  # fmt: skip
    in_force = sa.and_(MarketHalt.asset == declared.c.asset, MarketHalt.lifted_at.is_(None))
    return ListSource(
        _market,
        sa.select(
            declared.c.id,
            declared.c.asset,
            MarketPriceRow.mid,
            MarketPriceRow.as_of,
            MarketPriceRow.fresh_until,
            MarketPriceRow.source,
            MarketHalt.reason.label("halted_reason"),
            MarketHalt.note,
            MarketHalt.halted_at,
            MarketHalt.halted_by,
        ).select_from(
            declared.outerjoin(MarketPriceRow, MarketPriceRow.metal == declared.c.asset).outerjoin(
                MarketHalt, in_force
            )
        ),
        key=declared.c.id,
        sorts={"asset": declared.c.asset},
        filters={},
    )


def markets(session: Session) -> dict[Priced, Market]:
    """Return all markets, in the catalogue's order."""
    by_asset = {market.asset: market for market in session.select(_market, every_market().select)}
    return {priced: by_asset[priced] for priced in (*Metal, *Token)}


def market_id(asset: Haltable) -> UUID:
    """Return the identifier of a market, the same in every installation."""
    return uuid5(NAMESPACE_OID, f"pbcex market {asset}")


def get_market(session: Session, code: str) -> Market:
    """Return the market of a metal, token or stablecoin. Raises `NotFound`."""
    source = every_market()
    return session.get(_market, source.select.where(source.sorts["asset"] == code))


@dataclass(frozen=True, slots=True)
class MarketSession:
    """Whether the calendar has a session now, and when that changes."""

    closed: Closed | None
    #: When a session begins or ends next; None without a calendar, or if it has none.
    changes_at: datetime | None

    @property
    def status(self) -> MarketStatus:
        """Whether the market is open."""
        return MarketStatus.OPEN if self.closed is None else MarketStatus.CLOSED


def market_session() -> MarketSession:
    """Return the session of the market now."""
    now, market_hours = clock.now(), resolve(MarketHours)
    closed = market_hours.why_closed(now)
    if market_hours is MarketHours.ALWAYS_OPEN:
        return MarketSession(closed, None)
    change = hours.next_close(now) if closed is None else hours.next_opening(now)
    return MarketSession(closed, change)


@dataclass(frozen=True, slots=True)
class GateState:
    """Whether PAXG may be exchanged for gold now, and how far their prices are from each other."""

    status: GateStatus
    #: Negative while PAXG is cheaper; None without a price of each.
    deviation_bps: Decimal | None
    limit_bps: int


def gate_state(session: Session) -> GateState:
    """Return the state of the gate."""
    prices = market_prices_from(session.rows(*price_statement(GATE_PRICES)))
    gate_rules = current(session, GateRules)
    try:
        require_gate_open(prices, clock.now(), current_rules(session), gate_rules)
    except (GateClosed, MarketHalted, PriceStale):
        status = GateStatus.CLOSED
    else:
        status = GateStatus.OPEN
    mids = [prices[priced].mid for priced in GATE_PRICES if priced in prices]
    distance = deviation_bps(*mids) if len(mids) == len(GATE_PRICES) else None
    return GateState(status, distance, gate_rules.deviation_bps_max)


@dataclass(frozen=True, slots=True)
class PastHalt:
    """A halt, in force or lifted."""

    id: UUID
    asset: str
    reason: HaltReason
    note: str
    halted_at: datetime
    halted_by: UUID | None
    lifted_at: datetime | None
    lifted_by: UUID | None
    lifted_note: str | None


#: Every halt.
HALTS = ListSource(
    PastHalt,
    sa.select(
        MarketHalt.id,
        MarketHalt.asset,
        MarketHalt.reason,
        MarketHalt.note,
        MarketHalt.halted_at,
        MarketHalt.halted_by,
        MarketHalt.lifted_at,
        MarketHalt.lifted_by,
        MarketHalt.lifted_note,
    ),
    key=MarketHalt.id,
    sorts={"halted": MarketHalt.id},
    filters={"asset": lambda code: MarketHalt.asset == code},
)
