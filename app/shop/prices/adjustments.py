"""How the premiums of several rules are changed together, as pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from app.catalog.rules import USD
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum
from app.shop.prices.rules import PriceTier, check_tiers, parse_number


class PremiumPart(LabelledEnum):
    """The part of a premium that is changed."""

    PERCENT = "percent", "Percent of the metal"
    PER_OUNCE = "per_ounce", "US dollars per ounce"
    PER_UNIT = "per_unit", "US dollars per unit"


class PremiumStep(LabelledEnum):
    """How it is changed, in each tier."""

    RAISE = "raise", "Raise it by"
    LOWER = "lower", "Lower it by"
    SET = "set", "Set it to"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One change of the same part of many premiums."""

    part: PremiumPart
    step: PremiumStep
    number: Decimal

    def adjust(self, tiers: Sequence[PriceTier]) -> list[PriceTier]:
        """Return the tiers with this change. Raises `Invalid` naming `number` where a premium would
        be below zero or above what one may be."""
        try:
            return check_tiers([self._adjust(tier) for tier in tiers])
        except Invalid as refusal:
            raise Invalid("number", refusal.message) from None

    def _adjust(self, tier: PriceTier) -> PriceTier:
        match self.part:
            case PremiumPart.PERCENT:
                return replace(tier, percent=self._step(tier.percent))
            case PremiumPart.PER_OUNCE:
                return replace(tier, per_ounce=self._step(tier.per_ounce))
            case PremiumPart.PER_UNIT:
                dollars = self._step(Decimal(tier.per_unit_units) / USD.unit)
                return replace(tier, per_unit_units=int(dollars * USD.unit))

    def _step(self, number: Decimal) -> Decimal:
        match self.step:
            case PremiumStep.RAISE:
                return number + self.number
            case PremiumStep.LOWER:
                return number - self.number
            case PremiumStep.SET:
                return self.number


def parse_adjustment(part: PremiumPart, step: PremiumStep, text: str) -> Adjustment:
    """Return the change that a person entered. Raises `Invalid` naming `number`."""
    number = parse_number(text)
    if number is None or (number == 0 and step is not PremiumStep.SET):
        raise Invalid("number", "Enter a number above 0, with at most 4 decimals, like 0.5.")
    if part is PremiumPart.PER_UNIT and number * USD.unit % 1:
        raise Invalid("number", "Enter US dollars and whole cents, like 1.50.")
    return Adjustment(part, step, number)
