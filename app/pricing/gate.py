"""PAXG against gold: whether one may be exchanged for the other, and how much of it. Pure.

PAXG is an ounce of gold with a price of its own. While the two differ, a customer who exchanges
them by weight and back gains the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.catalog.rules import Metal, Priced, Token
from app.kit.labels import Mark, StatusEnum
from app.pricing.errors import GateClosed
from app.pricing.rules import MarketPrice, PricingRules, require_tradable
from app.settings.rules import setting, settings_group

#: The prices that the gate compares.
GATE_PRICES: tuple[Priced, ...] = (Metal.AU, Token.PAXG)
_BPS = 10_000


class GateStatus(StatusEnum):
    """Whether the gate is open."""

    OPEN = "open", "Open", Mark.DONE
    CLOSED = "closed", "Closed", Mark.STOPPED


@settings_group("transfers", "PAXG and XAU-s")
@dataclass(frozen=True, slots=True)
class GateRules:
    """How far PAXG may deviate from gold before the gate closes."""

    deviation_bps_max: int = setting(
        "Gate",
        60,
        minimum=0,
        maximum=1000,
        unit="basis points",
        about="Transfers and orders between PAXG and XAU-s stop while the price of PAXG is "
        "further than this from gold. Keep it below the fee of a conversion and half the spread of "
        "gold together: above, exchanging by weight pays those who trade PAXG elsewhere.",
    )


@settings_group("transfers", "PAXG and XAU-s")
@dataclass(frozen=True, slots=True)
class TransferLimits:
    """Sizes of exchanges between PAXG and XAU-s, in troy ounces."""

    ounces_min: Decimal = setting(
        "Smallest transfer",
        Decimal("0.0001"),
        minimum=Decimal("0.00000001"),
        maximum=Decimal(1),
        unit="troy ounces",
    )
    ounces_max: Decimal = setting(
        "Largest transfer or order",
        Decimal(100),
        minimum=Decimal(1),
        maximum=Decimal(10_000),
        unit="troy ounces",
        about="An order between PAXG and XAU-s is no other way around this.",
    )
    ounces_per_day: Decimal = setting(
        "Most in 24 hours, for each customer",
        Decimal(250),
        minimum=Decimal(1),
        maximum=Decimal(100_000),
        unit="troy ounces",
        about="The sum of a person's transfers and orders between PAXG and XAU-s.",
    )


def deviation_bps(gold_mid: Decimal, paxg_mid: Decimal) -> Decimal:
    """Return how far PAXG is from gold, in basis points of gold, with a decimal."""
    return ((paxg_mid - gold_mid) * _BPS / gold_mid).quantize(Decimal("0.1"))


def deviates(paxg_mid: Decimal, gold_mid: Decimal, bps_max: int) -> bool:
    """Return whether PAXG is further from gold than the gate allows, on either side."""
    return abs(paxg_mid - gold_mid) * _BPS > gold_mid * bps_max


def require_gate_open(
    prices: Mapping[Priced, MarketPrice], now: datetime, rules: PricingRules, gate: GateRules
) -> None:
    """Raise `GateClosed`, or what `require_tradable` raises of either price, unless both prices are
    good and close to each other."""
    gold, token = (require_tradable(prices.get(each), now, rules) for each in GATE_PRICES)
    if deviates(token.mid, gold.mid, gate.deviation_bps_max):
        raise GateClosed
