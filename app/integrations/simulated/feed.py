"""A market that every process computes alike: prices are a pure function of seed and instant.

Each metal moves around its level in log space by smooth noise at twelve time scales, from four
seconds to half a year; the amplitude grows with the square root of the scale, as a random walk's
does. No state is kept and no float is used, so machines and restarts agree to the last digit.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext
from hashlib import blake2b

from app.catalog.rules import Metal, Token
from app.pricing.ports import Observation

#: US dollars per troy ounce, and volatility of a year.
_MARKET = {
    Metal.AU: (Decimal(4000), Decimal("0.15")),
    Metal.AG: (Decimal(50), Decimal("0.30")),
    Metal.PT: (Decimal(1550), Decimal("0.25")),
    Metal.PD: (Decimal(1400), Decimal("0.35")),
    Metal.CU: (Decimal("0.35"), Decimal("0.20")),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_STEP = Decimal("0.000001")
_SCALES = range(1, 13)
# The square root of a year's seconds.
_ROOT_YEAR = Decimal(5618)
_NOISE_MAX = 2**31
_PAXG_OFF_MAX = Decimal("0.002")
_PAXG_CELL = 4 * 3600 * 1_000_000


class SimulatedFeed:
    """A `PriceFeed` without a source. It has no news while `is_open` says the market is closed."""

    name = "simulated"

    def __init__(self, seed: str, *, is_open: Callable[[datetime], bool]) -> None:
        self._seed = seed
        self._is_open = is_open

    def fetch(self, now: datetime) -> list[Observation]:
        """All five metals at `now`, and PAXG near gold."""
        if not self._is_open(now):
            return []
        return [
            Observation(metal, None, None, price_at(self._seed, metal, now), now)
            for metal in _MARKET
        ] + [Observation(Token.PAXG, None, None, paxg_at(self._seed, now), now)]


def price_at(seed: str, metal: Metal, instant: datetime) -> Decimal:
    """The metal's price at an instant in the market of that seed, with six decimals."""
    level, volatility = _MARKET[metal]
    microseconds = (instant - _EPOCH) // _MICROSECOND
    with localcontext(Context(prec=28)):
        displacement = Decimal(0)
        for scale in _SCALES:
            cell, into = divmod(microseconds, 4**scale * 1_000_000)
            start = _noise(f"{seed}/{metal}/{scale}/{cell}")
            end = _noise(f"{seed}/{metal}/{scale}/{cell + 1}")
            x = Decimal(into) / (4**scale * 1_000_000)
            # 2^scale seconds^½ is the square root of the scale's 4^scale seconds.
            displacement += (start + (end - start) * x * x * (3 - 2 * x)) * 2**scale
        displacement *= volatility / _ROOT_YEAR / _NOISE_MAX
        return (level * displacement.exp()).quantize(_STEP)


def paxg_at(seed: str, instant: datetime) -> Decimal:
    """The token's price: gold's, off by up to 20 bps that change over hours."""
    gold = price_at(seed, Metal.AU, instant)
    cell, into = divmod((instant - _EPOCH) // _MICROSECOND, _PAXG_CELL)
    start, end = (_noise(f"{seed}/PAXG/{edge}") for edge in (cell, cell + 1))
    with localcontext(Context(prec=28)):
        off = (start + (end - start) * Decimal(into) / _PAXG_CELL) / _NOISE_MAX
        return (gold * (1 + off * _PAXG_OFF_MAX)).quantize(_STEP)


def _noise(place: str) -> int:
    digest = blake2b(place.encode(), digest_size=4).digest()
    return int.from_bytes(digest, signed=True)
