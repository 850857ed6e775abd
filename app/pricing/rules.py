"""How the prices of several sources are merged into one, and when a price may be used. Pure.

US dollars per troy ounce throughout; basis points (bps) are hundredths of a percent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from statistics import median

from app.catalog.rules import PRICED_NAMES, Metal, Priced, Token
from app.kit.formatting import format_exact_time
from app.kit.labels import Mark, StatusEnum
from app.pricing import hours
from app.pricing.errors import MarketHalted, PriceStale
from app.pricing.ports import Observation

#: Decimals of every price that customers see or trade at.
PRICE_DECIMALS = 6
_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)
_BPS = Decimal(10_000)
# A source's clock may be a little ahead of ours; further ahead it is wrong.
_CLOCK_TOLERANCE = timedelta(seconds=5)
# With this many sources, the others still agree when one is dropped.
_MANY = 3


class MarketHours(StrEnum):
    """The calendar of the market."""

    ALWAYS_OPEN = "always_open"
    REAL = "real"


class MarketState(StrEnum):
    """Whether a metal trades."""

    OPEN = "open"
    #: Outside market hours.
    CLOSED = "closed"
    #: Stopped by staff.
    HALTED = "halted"


class PriceFault(StatusEnum):
    """Why a price cannot be traded at, apart from market hours."""

    HALTED = "halted", "Halted", Mark.STOPPED
    STALE = "stale", "Stale", Mark.UNCERTAIN


DEFAULT_SPREADS_BPS: Mapping[Priced, Decimal] = {
    Metal.AU: Decimal(40),
    Metal.AG: Decimal(80),
    Metal.PT: Decimal(100),
    Metal.PD: Decimal(120),
    Metal.CU: Decimal(150),
    Token.PAXG: Decimal(40),
}


@dataclass(frozen=True, slots=True)
class PricingRules:
    """The configured limits of the rules below."""

    #: From bid to ask.
    spreads_bps: Mapping[Priced, Decimal] = field(default_factory=lambda: DEFAULT_SPREADS_BPS)
    stale_after_seconds: int = 60
    outlier_bps: int = 50
    market_hours: MarketHours = MarketHours.ALWAYS_OPEN
    #: A larger move within the window must be confirmed by `jump_ticks` ticks.
    jump_bps: int = 1_000
    jump_window_seconds: int = 300
    jump_ticks: int = 3

    def is_fresh(self, observed_at: datetime, now: datetime) -> bool:
        """Return whether a price is fresh enough to trade at; exactly the limit still is."""
        return now - observed_at <= timedelta(seconds=self.stale_after_seconds)

    def is_open(self, now: datetime) -> bool:
        """Return whether the market is open."""
        return self.market_hours is MarketHours.ALWAYS_OPEN or hours.is_open(now)


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """The price of one metal that orders use."""

    metal: Priced
    bid: Decimal
    ask: Decimal
    mid: Decimal
    as_of: datetime
    #: A feed's name, or `median(a,b)`.
    source: str
    halted: bool
    halted_reason: str | None

    def state(self, now: datetime, rules: PricingRules) -> MarketState:
        """Return whether the metal trades at `now`. A halt takes precedence over market hours."""
        if self.halted:
            return MarketState.HALTED
        return MarketState.OPEN if rules.is_open(now) else MarketState.CLOSED

    def is_stale(self, now: datetime, rules: PricingRules) -> bool:
        """Return whether the price is too old to trade at."""
        return not rules.is_fresh(self.as_of, now)

    def fault(self, now: datetime, rules: PricingRules) -> PriceFault | None:
        """Return what is wrong with the price; a halt takes precedence over age."""
        if self.halted:
            return PriceFault.HALTED
        return PriceFault.STALE if self.is_stale(now, rules) else None


@dataclass(frozen=True, slots=True)
class MergedPrice:
    """The merged price of the sources."""

    mid: Decimal
    #: The time of the newest observation used.
    as_of: datetime
    source: str


@dataclass(frozen=True, slots=True)
class UnconfirmedJump:
    """A jump that awaits confirmation: its level, its last tick, and the number of its ticks."""

    mid: Decimal
    as_of: datetime
    ticks: int


class SourcesDisagree(Exception):
    """The sources differ too much to merge. The message lists their prices."""


def require_tradable(price: MarketPrice | None, now: datetime, rules: PricingRules) -> MarketPrice:
    """Return the price if an order may use it now.

    Raises `MarketHalted` if the metal is halted or the market is closed, `PriceStale` if the price
    is too old or missing.
    """
    if price is None:
        raise PriceStale("There is no price for this metal yet. Try again later.")
    name = PRICED_NAMES[price.metal]
    match price.state(now, rules):
        case MarketState.HALTED:
            raise MarketHalted(f"Trading in {name} is halted: {price.halted_reason}")
        case MarketState.CLOSED:
            opens = format_exact_time(hours.next_opening(now))
            raise MarketHalted(f"The market for {name} is closed. It opens on {opens}.")
    if price.is_stale(now, rules):
        raise PriceStale(
            f"The last price of {name} is from {format_exact_time(price.as_of)}, more than "
            f"{rules.stale_after_seconds} seconds ago. Try again in a moment."
        )
    return price


def merge(
    observations: Mapping[str, Observation], now: datetime, rules: PricingRules
) -> MergedPrice | None:
    """Return the median of one metal's fresh sources without outliers, or None if none is fresh.

    Of three or more sources, those further from the median than the limit are dropped; two sources
    must be within the limit of each other. Raises `SourcesDisagree` if no two agree.
    """
    fresh = {
        source: observation
        for source, observation in observations.items()
        if rules.is_fresh(observation.observed_at, now)
        and observation.observed_at <= now + _CLOCK_TOLERANCE
    }
    if not fresh:
        return None
    agreed = _without_outliers(fresh, rules.outlier_bps)
    if len(agreed) < min(2, len(fresh)):
        mids = ", ".join(f"{source} {observed.mid}" for source, observed in fresh.items())
        raise SourcesDisagree(mids)
    mid = median(observation.mid for observation in agreed.values())
    return MergedPrice(
        mid=quantize_price(mid),
        as_of=min(now, max(observation.observed_at for observation in agreed.values())),
        source=next(iter(agreed)) if len(agreed) == 1 else f"median({','.join(agreed)})",
    )


def _without_outliers(
    observations: Mapping[str, Observation], outlier_bps: int
) -> dict[str, Observation]:
    mids = [observation.mid for observation in observations.values()]
    middle = median(mids)
    if len(mids) < _MANY:
        return {} if _exceeds_bps(min(mids), max(mids), middle, outlier_bps) else dict(observations)
    return {
        source: observation
        for source, observation in observations.items()
        if not _exceeds_bps(middle, observation.mid, middle, outlier_bps)
    }


def unconfirmed_jump(
    merged: MergedPrice,
    last: MarketPrice | None,
    doubted: UnconfirmedJump | None,
    rules: PricingRules,
) -> UnconfirmedJump | None:
    """Return the jump that keeps a merged price from being accepted, or None to accept it.

    A jump from the last accepted price is accepted once `jump_ticks` ticks in a row, each newer
    than the one before, agree on the new level. A last price older than the window is ignored.
    """
    if last is None or merged.as_of - last.as_of > timedelta(seconds=rules.jump_window_seconds):
        return None
    if not _exceeds_bps(last.mid, merged.mid, last.mid, rules.jump_bps):
        return None
    if doubted is None or _exceeds_bps(doubted.mid, merged.mid, doubted.mid, rules.jump_bps):
        return UnconfirmedJump(merged.mid, merged.as_of, 1)
    if merged.as_of <= doubted.as_of:
        return doubted
    ticks = doubted.ticks + 1
    return None if ticks >= rules.jump_ticks else UnconfirmedJump(merged.mid, merged.as_of, ticks)


def quantize_price(price: Decimal) -> Decimal:
    """Return a price rounded to `PRICE_DECIMALS`, to the nearest."""
    return price.quantize(_STEP, ROUND_HALF_EVEN)


def bid_and_ask(mid: Decimal, spread_bps: Decimal) -> tuple[Decimal, Decimal]:
    """Return bid and ask: half the spread away from mid, rounded away from it."""
    half = mid * spread_bps / (2 * _BPS)
    return (mid - half).quantize(_STEP, ROUND_FLOOR), (mid + half).quantize(_STEP, ROUND_CEILING)


def _exceeds_bps(start: Decimal, end: Decimal, base: Decimal, limit_bps: int) -> bool:
    return abs(end - start) * _BPS > base * limit_bps
