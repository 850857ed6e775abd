"""Reads of pricing: the prices that orders use, and the markets with their halts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import sqlalchemy as sa

from app.catalog.rules import PRICED_NAMES, Metal, Priced, Token, parse_priced
from app.kit import clock
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.pipeline import Row, Statement
from app.kit.ports import resolve
from app.pricing.errors import GateClosed, MarketHalted, PriceStale
from app.pricing.gate import (
    GATE_PRICES,
    GateRules,
    GateStatus,
    deviation_bps,
    require_gate_open,
)
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

_PRICES = """
SELECT p.metal, p.bid, p.ask, p.mid, p.as_of, p.fresh_until, p.source, h.reason
FROM market_prices p LEFT JOIN market_halts h ON h.asset = p.metal AND h.lifted_at IS NULL
WHERE p.metal = ANY(%s)
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


def price_statement(metals: Iterable[Priced]) -> Statement:
    """Return a statement to send together with others; pass its rows to `market_prices_from`."""
    return _PRICES, ([metal.value for metal in metals],)


def market_prices_from(rows: Sequence[Row]) -> dict[Priced, MarketPrice]:
    """Return the prices in the rows of `price_statement`, by metal."""
    prices = {}
    for metal, bid, ask, mid, as_of, fresh_until, source, halt in rows:
        priced, reason = parse_priced(metal), HaltReason(halt) if halt else None
        prices[priced] = MarketPrice(
            priced, bid, ask, mid, as_of, fresh_until, source, reason is not None, reason
        )
    return prices


@dataclass(frozen=True, slots=True)
class Market:
    """A market with its last price, and the halt that is in force."""

    id: UUID
    asset: Priced
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
        name = PRICED_NAMES[self.asset]
        return name[0].upper() + name[1:]

    @property
    def status(self) -> MarketStatus:
        """Whether it trades now."""
        if self.halted_reason is not None:
            return MarketStatus.HALTED
        now = clock.now()
        if not resolve(MarketHours).is_open(now):
            return MarketStatus.CLOSED
        is_fresh = self.fresh_until is not None and now <= self.fresh_until
        return MarketStatus.OPEN if is_fresh else MarketStatus.STALE


def _market(asset: str, **columns: Any) -> Market:
    return Market(asset=parse_priced(asset), **columns)


def every_market() -> ListSource[Market]:
    """Return the list of all markets."""
    declared = sa.values(
        sa.column("id", sa.Uuid), sa.column("asset", sa.Text), name="declared"
    ).data([(market_id(priced), priced.value) for priced in (*Metal, *Token)])  # fmt: skip
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


def market_id(asset: Priced) -> UUID:
    """Return the identifier of a market, the same in every installation."""
    return uuid5(NAMESPACE_OID, f"pbcex market {asset}")


def get_market(session: Session, code: str) -> Market:
    """Return the market of a metal or token. Raises `NotFound`."""
    source = every_market()
    return session.get(_market, source.select.where(source.sorts["asset"] == code))


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
