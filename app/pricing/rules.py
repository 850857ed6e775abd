"""How sources become one price, and when a price may be used. Pure.

US dollars per troy ounce throughout; basis points (bps) are hundredths of a percent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from statistics import median

from app.catalog.rules import PRICED_NAMES, Metal, Priced, Token
from app.pricing import hours
from app.pricing.errors import MarketHalted, PriceStale
from app.pricing.ports import Observation

#: Decimals of every price that customers see or trade at.
PRICE_DECIMALS = 6
_STEP = Decimal(1).scaleb(-PRICE_DECIMALS)
_BPS = Decimal(10_000)
# A source's clock may be a little ahead of ours; further ahead it is wrong.
_CLOCK_TOLERANCE = timedelta(seconds=5)
# From here on, agreement means something even when one source is dropped.
_MANY = 3


class MarketHours(StrEnum):
    """Which calendar the market keeps."""

    ALWAYS_OPEN = "always_open"
    REAL = "real"


class MarketState(StrEnum):
    """Whether a metal trades."""

    OPEN = "open"
    #: Outside market hours.
    CLOSED = "closed"
    #: Stopped by staff.
    HALTED = "halted"


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
    """The numbers that the rules below use, as configured."""

    #: From bid to ask.
    spreads_bps: Mapping[Priced, Decimal] = field(default_factory=lambda: DEFAULT_SPREADS_BPS)
    stale_after_seconds: int = 60
    outlier_bps: int = 50
    market_hours: MarketHours = MarketHours.ALWAYS_OPEN
    #: A larger move than this within the window needs so many ticks that agree.
    jump_bps: int = 1_000
    jump_window_seconds: int = 300
    jump_ticks: int = 3

    def is_fresh(self, observed_at: datetime, now: datetime) -> bool:
        """Young enough to act on; exactly the limit still is."""
        return now - observed_at <= timedelta(seconds=self.stale_after_seconds)

    def is_open(self, now: datetime) -> bool:
        """Whether the market's hours allow trade."""
        return self.market_hours is MarketHours.ALWAYS_OPEN or hours.is_open(now)


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """The price of one metal, as orders use it."""

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
        """Whether the metal trades at `now`; a halt outranks the clock."""
        if self.halted:
            return MarketState.HALTED
        return MarketState.OPEN if rules.is_open(now) else MarketState.CLOSED

    def is_stale(self, now: datetime, rules: PricingRules) -> bool:
        """Too old to act on."""
        return not rules.is_fresh(self.as_of, now)


@dataclass(frozen=True, slots=True)
class MergedPrice:
    """What the sources say together."""

    mid: Decimal
    #: When the newest of the sources used was observed.
    as_of: datetime
    source: str


@dataclass(frozen=True, slots=True)
class UnconfirmedJump:
    """A jump that is not believed yet: the level, when last seen, and by how many ticks."""

    mid: Decimal
    as_of: datetime
    ticks: int


class SourcesDisagree(Exception):
    """The sources differ too much to say what the price is; the message lists them."""


def require_tradable(price: MarketPrice | None, now: datetime, rules: PricingRules) -> MarketPrice:
    """The price, if an order may use it now.

    Raises `MarketHalted` when the metal is halted or the market closed, `PriceStale` when the
    price is too old or none was ever recorded.
    """
    if price is None:
        raise PriceStale("There is no price for this metal yet")
    name = PRICED_NAMES[price.metal]
    match price.state(now, rules):
        case MarketState.HALTED:
            raise MarketHalted(f"Trading in {name} is halted: {price.halted_reason}")
        case MarketState.CLOSED:
            opens = _format_instant(hours.next_opening(now))
            raise MarketHalted(f"The market for {name} is closed. It opens on {opens}")
    if price.is_stale(now, rules):
        raise PriceStale(
            f"The last price of {name} is from {_format_instant(price.as_of)}, more than "
            f"{rules.stale_after_seconds} seconds ago. Try again in a moment"
        )
    return price


def merge(
    observations: Mapping[str, Observation], now: datetime, rules: PricingRules
) -> MergedPrice | None:
    """The median of the fresh sources of one metal, without outliers; None when there is none.

    Of three or more sources, those further than the limit from the median are dropped; two
    sources may not differ by more than the limit. Raises `SourcesDisagree` when no two agree.
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
        stated = ", ".join(f"{source} {seen.mid}" for source, seen in fresh.items())
        raise SourcesDisagree(stated)
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
    """What stands against accepting a merged price; None when nothing does.

    A jump from the last accepted price is believed once so many ticks in a row, each newer than
    the one before, agree on the new level. A last price older than the window proves nothing.
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
    """A price with the decimals that prices have here, to the nearest."""
    return price.quantize(_STEP, ROUND_HALF_EVEN)


def bid_and_ask(mid: Decimal, spread_bps: Decimal) -> tuple[Decimal, Decimal]:
    """Bid and ask half the spread away from mid, rounded away from it."""
    half = mid * spread_bps / (2 * _BPS)
    return (mid - half).quantize(_STEP, ROUND_FLOOR), (mid + half).quantize(_STEP, ROUND_CEILING)


def _format_instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d at %H:%M:%S} UTC"


def _exceeds_bps(start: Decimal, end: Decimal, base: Decimal, limit_bps: int) -> bool:
    return abs(end - start) * _BPS > base * limit_bps
