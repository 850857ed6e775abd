"""How the prices of several sources are merged into one, and when a price may be used. Pure.

US dollars per troy ounce throughout; basis points (bps) are hundredths of a percent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from statistics import median
from typing import Any

from app.catalog.rules import HALTABLE_NAMES, PRICED_NAMES, Haltable, Priced
from app.kit.formatting import format_exact_time
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.pricing import hours
from app.pricing.errors import MarketHalted, PriceStale
from app.pricing.hours import Closed
from app.pricing.ports import Observation
from app.settings.rules import setting, settings_group

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

    def why_closed(self, now: datetime) -> Closed | None:
        """Return why the market is closed; None while it is open."""
        return None if self is MarketHours.ALWAYS_OPEN else hours.why_closed(now)

    def is_open(self, now: datetime) -> bool:
        """Return whether the market is open."""
        return self.why_closed(now) is None


class MarketState(StrEnum):
    """Whether a metal trades."""

    OPEN = "open"
    #: Outside market hours.
    CLOSED = "closed"
    #: Stopped by staff.
    HALTED = "halted"


class MarketStatus(StatusEnum):
    """Whether a market trades, for staff."""

    OPEN = "open", "Open", Mark.DONE
    CLOSED = "closed", "Closed", Mark.ENDED
    HALTED = "halted", "Halted", Mark.STOPPED
    STALE = "stale", "No current price", Mark.UNCERTAIN


class HaltReason(LabelledEnum):
    """Why staff halted a market, as customers read it."""

    PRICES = "prices", "Prices are being checked"
    PROVIDER = "provider", "A provider is unavailable"
    EVENT = "event", "Exceptional events at the market"
    MAINTENANCE = "maintenance", "Maintenance"
    LEGAL = "legal", "A legal order"
    OTHER = "other", "Another reason"


class PriceFault(StatusEnum):
    """Why a price cannot be traded at, apart from market hours."""

    HALTED = "halted", "Halted", Mark.STOPPED
    STALE = "stale", "Stale", Mark.UNCERTAIN


def _spread(name: str, bps: int) -> Any:
    return setting(
        f"Spread of {name}",
        Decimal(bps),
        minimum=Decimal(0),
        maximum=Decimal(2_000),
        unit="basis points",
        about="From bid to ask, half of it on either side of mid.",
    )


def _seconds(label: str, seconds: int, low: int, high: int, about: str) -> Any:
    return setting(label, seconds, minimum=low, maximum=high, unit="seconds", about=about)


@settings_group("pricing", "Prices")
@dataclass(frozen=True, slots=True)
class PriceSettings:
    """Spreads, and which prices are good enough to trade at."""

    spread_au: Decimal = _spread("gold", 40)
    spread_ag: Decimal = _spread("silver", 80)
    spread_pt: Decimal = _spread("platinum", 100)
    spread_pd: Decimal = _spread("palladium", 120)
    spread_cu: Decimal = _spread("copper", 150)
    spread_paxg: Decimal = _spread("PAX Gold", 40)
    stale_after_seconds: int = _seconds(
        "Delay of a price",
        60,
        5,
        600,
        "A price is stale when the next one is this late. When the next one is due follows from "
        "the rhythm of its source.",
    )
    rhythm_metalpriceapi_seconds: int = _seconds(
        "Rhythm of metalpriceapi",
        60,
        0,
        3_600,
        "How often this source publishes a price, as its plan says.",
    )
    repeat_seconds: int = _seconds(
        "Longest repetition",
        900,
        60,
        86_400,
        "A source that reports the same price for longer than this is not followed until its price "
        "changes.",
    )
    outlier_bps: int = setting(
        "Distance of an outlier",
        50,
        minimum=0,
        maximum=1_000,
        unit="basis points",
        about="A source further than this from the median is left out; two must be this close.",
    )
    jump_bps: int = setting(
        "Jump",
        1_000,
        minimum=10,
        maximum=5_000,
        unit="basis points",
        about="A larger move must be confirmed by several prices.",
    )
    jump_window_seconds: int = _seconds(
        "Window of a jump",
        300,
        10,
        3_600,
        "A price that comes later than this after the last one is no jump, however far it is.",
    )
    jump_ticks: int = setting(
        "Prices that confirm a jump", 3, minimum=2, maximum=20, unit="prices in a row"
    )

    def __post_init__(self) -> None:
        """Check that a source with a slow rhythm has time to change its price."""
        if self.repeat_seconds <= self.rhythm_metalpriceapi_seconds:
            raise ValueError("A price has to be able to repeat for longer than a source's rhythm.")

    def spread_bps(self, priced: Priced) -> Decimal:
        """Return the spread from bid to ask."""
        spread: Decimal = getattr(self, f"spread_{priced.lower()}")
        return spread

    def lifetime(self, source: str) -> timedelta:
        """Return how old a price of this source may be."""
        rhythm: int = getattr(self, f"rhythm_{source}_seconds", 0)
        return timedelta(seconds=rhythm + self.stale_after_seconds)


@dataclass(frozen=True, slots=True)
class PricingRules:
    """The settings in effect, and the calendar of this installation."""

    settings: PriceSettings = PriceSettings()
    market_hours: MarketHours = MarketHours.ALWAYS_OPEN

    def is_open(self, now: datetime) -> bool:
        """Return whether the market is open."""
        return self.market_hours.is_open(now)

    def is_fresh(self, source: str, observed_at: datetime, now: datetime) -> bool:
        """Return whether a price of this source is new enough; exactly the limit still is."""
        return now - observed_at <= self.settings.lifetime(source)

    def is_frozen(self, observation: Observation, unchanged_since: datetime) -> bool:
        """Return whether a source has reported the same price for too long."""
        span = observation.observed_at - unchanged_since
        return span > timedelta(seconds=self.settings.repeat_seconds)


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """The price of one metal that orders use."""

    metal: Priced
    bid: Decimal
    ask: Decimal
    mid: Decimal
    as_of: datetime
    #: Until when it may be traded at, as the rhythm of its sources has it.
    fresh_until: datetime
    #: A feed's name, or `median(a,b)`.
    source: str
    halted: bool
    halted_reason: HaltReason | None

    def state(self, now: datetime, rules: PricingRules) -> MarketState:
        """Return whether the metal trades at `now`. A halt takes precedence over market hours."""
        if self.halted:
            return MarketState.HALTED
        return MarketState.OPEN if rules.is_open(now) else MarketState.CLOSED

    def is_stale(self, now: datetime) -> bool:
        """Return whether the price is too old to trade at; at the limit it still is not."""
        return now > self.fresh_until

    def fault(self, now: datetime) -> PriceFault | None:
        """Return what is wrong with the price; a halt takes precedence over age."""
        if self.halted:
            return PriceFault.HALTED
        return PriceFault.STALE if self.is_stale(now) else None


@dataclass(frozen=True, slots=True)
class MergedPrice:
    """The merged price of the sources."""

    mid: Decimal
    #: The time of the newest observation used.
    as_of: datetime
    source: str
    #: Until when the last of the observations used is fresh.
    fresh_until: datetime


@dataclass(frozen=True, slots=True)
class UnconfirmedJump:
    """A jump that awaits confirmation: its level, its last tick, and the number of its ticks."""

    mid: Decimal
    as_of: datetime
    ticks: int


class SourcesDisagree(Exception):
    """The sources differ too much to merge. The message lists their prices."""


def halted(market: Haltable, reason: HaltReason) -> MarketHalted:
    """Return the refusal of an order while staff have halted this market."""
    return MarketHalted(
        f"Trading in {HALTABLE_NAMES[market]} is halted: {reason.label.lower()}. Try again later.",
        reason=reason,
    )


def require_tradable(price: MarketPrice | None, now: datetime, rules: PricingRules) -> MarketPrice:
    """Return the price if an order may use it now.

    Raises `MarketHalted` if the metal is halted or the market is closed, `PriceStale` if the price
    is too old or missing.
    """
    if price is None:
        raise PriceStale("There is no price for this metal yet. Try again later.")
    name = PRICED_NAMES[price.metal]
    if price.halted_reason is not None:
        raise halted(price.metal, price.halted_reason)
    closed = rules.market_hours.why_closed(now)
    if closed is not None:
        opening = hours.next_opening(now)
        then = f"It opens on {format_exact_time(opening)}." if opening else "Try again later."
        raise MarketHalted(
            f"The market for {name} is closed: {closed.why}. {then}", reason=closed.reason
        )
    if price.is_stale(now):
        raise PriceStale(
            f"The last price of {name} is from {format_exact_time(price.as_of)}, too long ago to "
            "trade at. Try again in a moment."
        )
    return price


def merge(
    observations: Mapping[str, Observation],
    now: datetime,
    rules: PricingRules,
    unchanged_since: Mapping[str, datetime],
) -> MergedPrice | None:
    """Return the median of one metal's good sources without outliers, or None if none is good.

    A source is good while it is fresh and not frozen. Of three or more sources, those further from
    the median than the limit are dropped; two sources must be within the limit of each other.
    Raises `SourcesDisagree` if no two agree.
    """
    good = {
        source: observation
        for source, observation in observations.items()
        if rules.is_fresh(source, observation.observed_at, now)
        and observation.observed_at <= now + _CLOCK_TOLERANCE
        and not rules.is_frozen(observation, unchanged_since[source])
    }
    if not good:
        return None
    agreed = _without_outliers(good, rules.settings.outlier_bps)
    if len(agreed) < min(2, len(good)):
        mids = ", ".join(f"{source} {observed.mid}" for source, observed in good.items())
        raise SourcesDisagree(mids)
    mid = median(observation.mid for observation in agreed.values())
    return MergedPrice(
        mid=quantize_price(mid),
        as_of=min(now, max(observation.observed_at for observation in agreed.values())),
        source=next(iter(agreed)) if len(agreed) == 1 else f"median({','.join(agreed)})",
        fresh_until=max(
            min(now, observation.observed_at) + rules.settings.lifetime(source)
            for source, observation in agreed.items()
        ),
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
    limits = rules.settings
    if last is None or merged.as_of - last.as_of > timedelta(seconds=limits.jump_window_seconds):
        return None
    if not _exceeds_bps(last.mid, merged.mid, last.mid, limits.jump_bps):
        return None
    if doubted is None or _exceeds_bps(doubted.mid, merged.mid, doubted.mid, limits.jump_bps):
        return UnconfirmedJump(merged.mid, merged.as_of, 1)
    if merged.as_of <= doubted.as_of:
        return doubted
    ticks = doubted.ticks + 1
    return None if ticks >= limits.jump_ticks else UnconfirmedJump(merged.mid, merged.as_of, ticks)


def quantize_price(price: Decimal) -> Decimal:
    """Return a price rounded to `PRICE_DECIMALS`, to the nearest."""
    return price.quantize(_STEP, ROUND_HALF_EVEN)


def bid_and_ask(mid: Decimal, spread_bps: Decimal) -> tuple[Decimal, Decimal]:
    """Return bid and ask: half the spread away from mid, rounded away from it."""
    half = mid * spread_bps / (2 * _BPS)
    return (mid - half).quantize(_STEP, ROUND_FLOOR), (mid + half).quantize(_STEP, ROUND_CEILING)


def _exceeds_bps(start: Decimal, end: Decimal, base: Decimal, limit_bps: int) -> bool:
    return abs(end - start) * _BPS > base * limit_bps
