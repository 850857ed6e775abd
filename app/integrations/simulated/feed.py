"""A simulated market: prices are a pure function of seed and instant.

Each metal moves around its level in log space by smooth noise at twelve time scales, from four
seconds to half a year; the amplitude grows with the square root of the scale, as in a random walk.
No state is kept and no float is used, so that every process computes the same prices to the last
digit.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext
from hashlib import blake2b

from app.catalog.rules import Metal, Priced, Token
from app.pricing.ports import Observation

#: Level in US dollars per troy ounce, and annual volatility.
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
_PAXG_DEVIATION_MAX = Decimal("0.002")
_PAXG_CELL = 4 * 3600 * 1_000_000


class SimulatedFeed:
    """A `PriceFeed` without a source. Returns nothing while `is_open` says the market is closed."""

    name = "simulated"
    covers: frozenset[Priced] = frozenset({*_MARKET, Token.PAXG})

    def __init__(self, seed: str, *, is_open: Callable[[datetime], bool]) -> None:
        self._seed = seed
        self._is_open = is_open

    def fetch(self, now: datetime) -> list[Observation]:
        """Return prices of all five metals at `now`, and of PAXG near gold."""
        if not self._is_open(now):
            return []
        return [
            Observation(metal, None, None, price_at(self._seed, metal, now), now)
            for metal in _MARKET
        ] + [Observation(Token.PAXG, None, None, paxg_at(self._seed, now), now)]


def price_at(seed: str, metal: Metal, instant: datetime) -> Decimal:
    """Return a metal's price at an instant in the market of a seed, with six decimals."""
    level, volatility = _MARKET[metal]
    microseconds = (instant - _EPOCH) // _MICROSECOND
    with localcontext(Context(prec=28)):
        displacement = Decimal(0)
        for scale in _SCALES:
            cell, offset = divmod(microseconds, 4**scale * 1_000_000)
            start = _noise(f"{seed}/{metal}/{scale}/{cell}")
            end = _noise(f"{seed}/{metal}/{scale}/{cell + 1}")
            fraction = Decimal(offset) / (4**scale * 1_000_000)
            # 2^scale seconds^½ is the square root of the scale's 4^scale seconds.
            displacement += (
                start + (end - start) * fraction * fraction * (3 - 2 * fraction)
            ) * 2**scale
        displacement *= volatility / _ROOT_YEAR / _NOISE_MAX
        return (level * displacement.exp()).quantize(_STEP)


def paxg_at(seed: str, instant: datetime) -> Decimal:
    """Return PAXG's price: gold's, with a deviation of up to 20 bps that changes over hours."""
    gold = price_at(seed, Metal.AU, instant)
    cell, offset = divmod((instant - _EPOCH) // _MICROSECOND, _PAXG_CELL)
    start, end = (_noise(f"{seed}/PAXG/{edge}") for edge in (cell, cell + 1))
    with localcontext(Context(prec=28)):
        deviation = (start + (end - start) * Decimal(offset) / _PAXG_CELL) / _NOISE_MAX
        return (gold * (1 + deviation * _PAXG_DEVIATION_MAX)).quantize(_STEP)


def _noise(key: str) -> int:
    digest = blake2b(key.encode(), digest_size=4).digest()
    return int.from_bytes(digest, signed=True)
