"""What a price rule says, and what goods cost by it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from app.catalog.products.rules import ProductForm
from app.catalog.rules import PRICED_NAMES, USD, Metal
from app.kit.errors import Invalid
from app.kit.formatting import format_amount, format_count, format_price
from app.kit.labels import Mark, StatusEnum
from app.kit.money import Amount, Rounding, round_units
from app.pricing import hours
from app.pricing.errors import PriceStale
from app.pricing.rules import MarketPrice, PricingRules, require_tradable
from app.settings.rules import setting, settings_group

RULE_PREFIX = "prr"
TIERS_MAX = 8
QUANTITY_MAX = 10_000
_HUNDRED = 100
_PERCENT_MAX = Decimal(1_000)
_PER_OUNCE_MAX = Decimal(10_000)
_PER_UNIT_MAX = Amount(USD, 1_000_000_00)
_DECIMALS = 4
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,4})?", re.ASCII)
_CELL_COUNTS = (2, 3, 4)
_LINE = (
    "enter the first quantity, percent, US dollars per ounce and per unit, like 10, 4.25, 0.50, 2."
)


@settings_group("shop", "Shop")
@dataclass(frozen=True, slots=True)
class ShopSettings:
    """What the business decides about the prices of goods."""

    after_hours_percent: Decimal = setting(
        "Premium while the market is closed",
        Decimal(0),
        minimum=Decimal(0),
        maximum=Decimal(25),
        unit="percent",
        about="Of the metal's value at the last ask, beside the premium. 0: nothing is sold while"
        " the market is closed.",
    )
    approval_percent: Decimal = setting(
        "Price change that takes two people",
        Decimal(3),
        minimum=Decimal(0),
        maximum=Decimal(100),
        unit="percent",
        about="A change of price rules waits for a second person if the price of a product, at any"
        " quantity, moves by more: from what it is, or from what it was a day before.",
    )


class PriceRuleStatus(StatusEnum):
    """Whether a version of a rule counts now."""

    IN_EFFECT = "in_effect", "In effect", Mark.DONE
    LATER = "later", "Later", Mark.WAITING
    """It begins later."""
    PAUSED = "paused", "Replaced for a time", Mark.UNDERWAY
    """Another one of the same products began later, and ends before it."""
    OVER = "over", "Over", Mark.ENDED


@dataclass(frozen=True, slots=True)
class PriceTier:
    """What units cost above their metal, from a quantity on."""

    from_quantity: int
    #: Of the metal's value.
    percent: Decimal = Decimal(0)
    #: US dollars per troy ounce by which the product is accounted.
    per_ounce: Decimal = Decimal(0)
    #: Cents for each unit.
    per_unit_units: int = 0

    @property
    def terms(self) -> str:
        """What it says, for people: `2.5 % + 40.00 USD per ounce`."""
        parts = [
            *([f"{self.percent.normalize():f} %"] if self.percent else []),
            *([f"{format_price(self.per_ounce)} per ounce"] if self.per_ounce else []),
            *(
                [f"{format_amount(Amount(USD, self.per_unit_units))} per unit"]
                if self.per_unit_units
                else []
            ),
        ]
        return " + ".join(parts) or "no premium"


@dataclass(frozen=True, slots=True)
class PriceScope:
    """The products of a rule: one, those of a category and below it, or those of a metal."""

    sku: str | None = None
    category_id: UUID | None = None
    metal: Metal | None = None
    #: Of the metal; None for all.
    form: ProductForm | None = None

    def __post_init__(self) -> None:
        """Require exactly one scope, and a form only of a metal."""
        if [self.sku, self.category_id, self.metal].count(None) != 2:  # noqa: PLR2004 - of three
            raise ValueError("A rule is of one product, one category or one metal.")
        if self.form is not None and self.metal is None:
            raise ValueError("A form is one of a metal.")

    @property
    def metal_name(self) -> str:
        """The metal and the form, for people; empty for other scopes."""
        if self.metal is None:
            return ""
        name = PRICED_NAMES[self.metal].capitalize()
        return f"{name}, {self.form.label.lower()}s" if self.form else name


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """At which prices goods are sold at an instant."""

    #: The price of a metal must have been fresh then.
    fresh_at: datetime
    #: Of the metal's value, beside the premium; zero while the market is open.
    after_hours_percent: Decimal


@dataclass(frozen=True, slots=True)
class SalePrice:
    """The price of a metal at which goods are sold now."""

    price: MarketPrice
    #: Of the metal's value, beside the premium; zero while the market is open.
    after_hours_percent: Decimal


def parse_tiers(text: str) -> list[PriceTier]:
    """Return the tiers of a text: a line for each, with the first quantity, percent, US dollars per
    ounce and US dollars per unit, of which the last ones may be missing: `10, 4.25, 0.50`.

    Raises `Invalid` naming `tiers`, with the number of the line.
    """
    tiers = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), start=1):
        cells = [cell.strip() or "0" for cell in line.split(",")]
        if not all(_NUMBER.fullmatch(cell) for cell in cells) or len(cells) not in _CELL_COUNTS:
            raise Invalid("tiers", f"Line {number}: {_LINE}")
        quantity, percent, per_ounce, per_unit = map(
            Decimal, [*cells, "0", "0"][: max(_CELL_COUNTS)]
        )
        cents = per_unit * USD.unit
        if quantity != int(quantity) or cents != int(cents):
            raise Invalid("tiers", f"Line {number}: {_LINE}")
        tiers.append(PriceTier(int(quantity), percent, per_ounce, int(cents)))
    try:
        return check_tiers(tiers)
    except Invalid as refusal:
        _, _, place = refusal.field.partition(".")
        index = place.partition(".")[0]
        line = f"Line {int(index) + 1}: " if index else ""
        raise Invalid("tiers", f"{line}{refusal.message}") from None


def parse_number(text: str) -> Decimal | None:
    """Return a number of a premium, None for any other text."""
    return Decimal(text.strip()) if _NUMBER.fullmatch(text.strip()) else None


def write_tier(tier: PriceTier) -> str:
    """Return a tier as a line that `parse_tiers` reads."""
    per_unit = Decimal(tier.per_unit_units) / USD.unit
    numbers = (tier.percent, tier.per_ounce, per_unit)
    return ", ".join([str(tier.from_quantity), *(f"{each.normalize():f}" for each in numbers)])


def summarize_tiers(tiers: Sequence[PriceTier]) -> str:
    """Return the tiers in one line, for people: `5 %, from 10 units 4.25 %`."""
    first, *others = tiers
    later = (f"from {format_count(tier.from_quantity)} units {tier.terms}" for tier in others)
    return ", ".join([first.terms, *later])


def write_tiers(tiers: Sequence[PriceTier]) -> dict[str, str]:
    """Return the tiers as texts, as the audit trail and requests keep them."""
    return {f"from {tier.from_quantity}": tier.terms for tier in tiers}


def price_unit(
    ounces: Amount, spot: Decimal, tier: PriceTier, after_hours_percent: Decimal = Decimal(0)
) -> Amount:
    """Return what one unit costs: its accounted ounces at `spot` with the premium, the exact sum
    rounded to the cent, halves up."""
    weight = Fraction(ounces.units, ounces.asset.unit)
    metal = weight * Fraction(spot)
    premium = (
        metal * Fraction(tier.percent + after_hours_percent) / _HUNDRED
        + weight * Fraction(tier.per_ounce)
        + Fraction(tier.per_unit_units, USD.unit)
    )
    return Amount(USD, round_units((metal + premium) * USD.unit, Rounding.HALF_UP))


def tier_for(tiers: Sequence[PriceTier], quantity: int) -> PriceTier:
    """Return the tier of a quantity: the last one that begins with it or below it."""
    return max(
        (tier for tier in tiers if tier.from_quantity <= quantity),
        key=lambda tier: tier.from_quantity,
    )


def check_tiers(tiers: Sequence[PriceTier]) -> list[PriceTier]:
    """Return the tiers. Raises `Invalid` naming the field unless they are 1 to 8, begin with 1,
    rise, and each value is within its bounds."""
    if not 1 <= len(tiers) <= TIERS_MAX:
        raise Invalid("tiers", f"Enter 1 to {TIERS_MAX} tiers.")
    if tiers[0].from_quantity != 1:
        raise Invalid("tiers.0.from_quantity", "Begin the first tier with 1 unit.")
    for index, tier in enumerate(tiers):
        field = f"tiers.{index}"
        before = tiers[index - 1].from_quantity if index else 0
        if not before < tier.from_quantity <= QUANTITY_MAX:
            raise Invalid(
                f"{field}.from_quantity",
                f"Enter a quantity above {before} and up to {format_count(QUANTITY_MAX)}.",
            )
        _check_number(f"{field}.percent", tier.percent, _PERCENT_MAX)
        _check_number(f"{field}.per_ounce", tier.per_ounce, _PER_OUNCE_MAX)
        if not 0 <= tier.per_unit_units <= _PER_UNIT_MAX.units:
            raise Invalid(
                f"{field}.per_unit", f"Enter 0 to {format_amount(_PER_UNIT_MAX)} per unit."
            )
    return list(tiers)


def _check_number(field: str, value: Decimal, most: Decimal) -> None:
    step = Decimal(1).scaleb(-_DECIMALS)
    if not value.is_finite() or not 0 <= value <= most or value != value.quantize(step):
        raise Invalid(
            field, f"Enter a number from 0 to {most:,}, with at most {_DECIMALS} decimals."
        )


def check_quantity(field: str, quantity: int) -> None:
    """Raise `Invalid` naming the field unless so many units can be bought at a time."""
    if not 1 <= quantity <= QUANTITY_MAX:
        raise Invalid(field, f"Enter a whole number from 1 to {format_count(QUANTITY_MAX)}.")


def sale_terms(now: datetime, rules: PricingRules, settings: ShopSettings) -> SaleTerms | None:
    """Return at which prices goods are sold now; None while the market is closed and nothing is.

    Where a setting allows sales while the market is closed, that is at the last price of its
    session.
    """
    if rules.is_open(now):
        return SaleTerms(now, Decimal(0))
    closed_at = hours.last_close(now)
    if closed_at is None or not settings.after_hours_percent:
        return None
    return SaleTerms(closed_at, settings.after_hours_percent)


def require_sale_price(
    price: MarketPrice | None, now: datetime, rules: PricingRules, terms: SaleTerms | None
) -> SalePrice:
    """Return the price if goods of the metal may be sold at it now.

    Raises `MarketHalted` if the metal is halted or the market is closed, `PriceStale` if the price
    is too old or missing.
    """
    is_after_hours = terms is not None and not rules.is_open(now)
    if terms is None or price is None or price.halted_reason is not None or not is_after_hours:
        return SalePrice(require_tradable(price, now, rules), Decimal(0))
    if price.is_stale(terms.fresh_at):
        name = PRICED_NAMES[price.metal]
        raise PriceStale(f"There is no price of {name} from the end of the last session.")
    return SalePrice(price, terms.after_hours_percent)
