"""The terms of each strategy, and which one sends goods. Pure."""

from dataclasses import dataclass
from typing import Any

from app.catalog.rules import USD
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.carriers.rules import Carrier, Speed
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.settings.rules import setting, settings_group

_NOTHING = Amount(USD, 0)


def _usd(text: str) -> Amount:
    return Amount.parse(USD, text)


def _days(label: str, days: int) -> Any:
    return setting(label, days, minimum=1, maximum=60, unit="business days")


def _cap(label: str, text: str) -> Any:
    return setting(
        label,
        _usd(text),
        minimum=_usd("100"),
        maximum=_usd("10000000"),
        about="Goods that are worth more are split into several parcels.",
    )


@settings_group("fulfillment", "Fulfilment")
@dataclass(frozen=True, slots=True)
class FulfillmentRules:
    """The terms of JM Bullion and of Brink's, and when each of them sends goods."""

    jm_days_min: int = _days("JM Bullion delivers after", 5)
    jm_days_max: int = _days("JM Bullion delivers within", 7)
    jm_fee: Amount = setting(
        "Fee of a delivery by JM Bullion", _usd("15"), minimum=_NOTHING, maximum=_usd("10000")
    )
    jm_parcel_max: Amount = _cap("A parcel of JM Bullion is insured up to", "50000")
    jm_cancel_hours: int = setting(
        "A delivery by JM Bullion can be cancelled for", 24, minimum=0, maximum=240, unit="hours"
    )
    brinks_days_min: int = _days("Brink's delivers after", 3)
    brinks_days_max: int = _days("Brink's delivers within", 4)
    brinks_fee: Amount = setting(
        "Fee of a delivery by Brink's", _usd("75"), minimum=_NOTHING, maximum=_usd("10000")
    )
    brinks_parcel_max: Amount = _cap("A parcel of Brink's is insured up to", "2000000")
    brinks_from: Amount = setting(
        "Brink's delivers goods that are worth at least",
        _usd("100000"),
        minimum=_usd("100"),
        maximum=_usd("10000000"),
    )
    cut_off_hour: int = setting(
        "Parcels that are packed by this hour leave on the same day",
        15,
        minimum=0,
        maximum=23,
        unit="o'clock at the branch",
    )
    claim_days: int = setting(
        "A lost parcel is claimed from the carrier within",
        60,
        minimum=1,
        maximum=365,
        unit="days",
    )
    damage_claim_hours: int = setting(
        "A damaged parcel is claimed from the carrier within",
        48,
        minimum=1,
        maximum=1000,
        unit="hours",
    )

    def __post_init__(self) -> None:
        """Check the order of the days."""
        if self.jm_days_max < self.jm_days_min or self.brinks_days_max < self.brinks_days_min:
            raise ValueError("The last day of a delivery must not be before the first one.")

    def terms_of(self, strategy: FulfilmentStrategy) -> "StrategyTerms":
        """Return the terms of a strategy."""
        if strategy is FulfilmentStrategy.JM:
            return StrategyTerms(
                strategy,
                "JM Bullion",
                self.jm_days_min,
                self.jm_days_max,
                self.jm_fee,
                self.jm_parcel_max,
                self.jm_cancel_hours,
                Speed.GROUND,
                frozenset(Carrier),
            )
        return StrategyTerms(
            strategy,
            "Brink's",
            self.brinks_days_min,
            self.brinks_days_max,
            self.brinks_fee,
            self.brinks_parcel_max,
            0,
            Speed.TWO_DAY,
            frozenset({Carrier.FEDEX}),
        )


@dataclass(frozen=True, slots=True)
class StrategyTerms:
    """What a strategy costs and how long it takes. `days_min` and `days_max` are business days,
    `cancel_hours` since the request, 0 if it cannot be cancelled once it is processed."""

    strategy: FulfilmentStrategy
    name: str
    days_min: int
    days_max: int
    fee: Amount
    parcel_max: Amount
    cancel_hours: int
    speed: Speed
    carriers: frozenset[Carrier]


@dataclass(frozen=True, slots=True)
class StrategyChoice:
    """Which strategy sends goods, and why."""

    strategy: FulfilmentStrategy
    reason: str
    #: Whether the partner itself sends the goods, from its depot.
    is_entrusted: bool = False


def choose(
    rules: FulfillmentRules,
    configured: FulfilmentStrategy,
    *,
    value: Amount,
    dearest_unit: Amount,
    is_abroad: bool,
    requested: FulfilmentStrategy | None = None,
) -> StrategyChoice:
    """Return the strategy that sends goods of this value, the dearest unit of which is worth
    `dearest_unit`.

    What a parcel of JM Bullion is not insured for goes by Brink's, whatever was requested.
    """
    brinks = FulfilmentStrategy.BRINKS
    if rules.jm_parcel_max < dearest_unit:
        cap = format_amount(rules.jm_parcel_max)
        return StrategyChoice(brinks, f"One piece is worth more than {cap}.")
    if requested is not None:
        return StrategyChoice(requested, "The customer chose it.")
    if rules.brinks_from <= value:
        least = format_amount(rules.brinks_from)
        return StrategyChoice(brinks, f"The goods are worth at least {least}.")
    if is_abroad:
        return StrategyChoice(brinks, "The goods go abroad.")
    return StrategyChoice(configured, "It is the configured one.")
