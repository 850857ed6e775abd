"""What goods cost: metal by the ounces that count, premium by tier, rounded once."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.rules import XAG, XAU, XCU
from app.kit.errors import Invalid
from app.kit.money import Amount, Asset
from app.shop.prices import adjustments, rules
from app.shop.prices.adjustments import Adjustment, PremiumPart, PremiumStep
from app.shop.prices.rules import PriceScope, PriceTier
from tests.shop.sales_range import tier


@pytest.mark.parametrize(
    ("asset", "ounces", "spot", "premium", "expected"),
    [
        # A Gold Eagle is an ounce, as its mint declares, though its gross weight is 1.0909.
        (XAU, "1", "4000.00", tier("3.5"), "4140.00"),
        (XAU, "0.1", "4000.00", tier(per_unit=2500), "425.00"),
        (XAU, "0.03215074", "4012.34", tier("5", per_unit=100), "136.45"),
        # A 400-oz bar of .995 counts by its fine ounces.
        (XAU, "398", "4000.00", tier(per_ounce="1.25"), "1592497.50"),
        # Silver counts by its gross ounces.
        (XAG, "1", "50.25", tier(per_ounce="2.50"), "52.75"),
        (XAG, "1000", "50.2513", tier("0.5"), "50502.56"),
        (XCU, "16", "0.35", tier("150"), "14.00"),
        # 0.125 cents up, 0.4999 down.
        (XAU, "0.00000125", "1000", tier(), "0.00"),
        (XAU, "0.000005", "1000", tier(), "0.01"),
        (XAU, "0.00000499", "1000", tier(), "0.00"),
    ],
)
def test_unit_costs_the_exact_sum_rounded_to_the_cent(
    asset: Asset, ounces: str, spot: str, premium: PriceTier, expected: str
) -> None:
    price = rules.price_unit(Amount.parse(asset, ounces), Decimal(spot), premium)
    assert str(price) == expected


def test_seven_tenths_cost_seven_times_one() -> None:
    price = rules.price_unit(Amount.parse(XAU, "0.1"), Decimal("4000.07"), tier("3.3"))
    assert str(price) == "413.21"
    assert str(Amount(price.asset, price.units * 7)) == "2892.47"


def test_premium_after_hours_is_a_share_of_the_metal() -> None:
    price = rules.price_unit(Amount.parse(XAU, "1"), Decimal(4000), tier("3"), Decimal("1.5"))
    assert str(price) == "4180.00"


TIERS = [tier("5"), tier("4", from_quantity=10), tier("3", from_quantity=100)]


@pytest.mark.parametrize(
    ("quantity", "percent"),
    [(1, 5), (9, 5), (10, 4), (11, 4), (99, 4), (100, 3), (10_000, 3)],
)
def test_tier_begins_with_its_quantity(quantity: int, percent: int) -> None:
    assert rules.tier_for(TIERS, quantity).percent == percent


@given(
    units=st.integers(1, 10**12),
    spot=st.decimals("0.000001", "100000", places=6),
    percent=st.decimals(0, 1000, places=4),
    per_ounce=st.decimals(0, 10000, places=4),
    per_unit=st.integers(0, 10**8),
)
def test_price_is_the_nearest_cent_and_never_below_the_metal(
    units: int, spot: Decimal, percent: Decimal, per_ounce: Decimal, per_unit: int
) -> None:
    price = rules.price_unit(Amount(XAU, units), spot, PriceTier(1, percent, per_ounce, per_unit))
    # All in 10^-20 cents: ounces, price and percent have 8, 6 and 4 decimals, and a percent two.
    scale = 10**20
    metal = units * int(spot * 10**6) * 10**8
    exact = (
        metal
        + metal * int(percent * 10**4) // 10**6
        + units * int(per_ounce * 10**4) * 10**10
        + per_unit * scale
    )
    assert 2 * abs(price.units * scale - exact) <= scale
    assert price.units * scale >= metal - scale // 2


@pytest.mark.parametrize(
    ("tiers", "field"),
    [
        ([], "tiers"),
        ([tier(from_quantity=i + 1) for i in range(9)], "tiers"),
        ([tier(from_quantity=2)], "tiers.0.from_quantity"),
        ([tier(), tier(from_quantity=1)], "tiers.1.from_quantity"),
        ([tier(), tier(from_quantity=20), tier(from_quantity=10)], "tiers.2.from_quantity"),
        ([tier(), tier(from_quantity=10_001)], "tiers.1.from_quantity"),
        ([tier("-0.01")], "tiers.0.percent"),
        ([tier("1000.01")], "tiers.0.percent"),
        ([tier("0.00001")], "tiers.0.percent"),
        ([tier("NaN")], "tiers.0.percent"),
        ([tier(), tier(per_ounce="-1", from_quantity=5)], "tiers.1.per_ounce"),
        ([tier(per_unit=-1)], "tiers.0.per_unit"),
        ([tier(per_unit=100_000_001)], "tiers.0.per_unit"),
    ],
)
def test_tiers_that_no_quantity_or_no_price_fits_are_refused(
    tiers: list[PriceTier], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_tiers(tiers)
    assert refused.value.field == field


def test_rule_is_of_one_product_or_one_category_or_one_metal() -> None:
    for scope in ({}, {"sku": "A", "metal": "AU"}, {"sku": "A", "form": "bar"}):
        with pytest.raises(ValueError, match=r"^A (rule|form) is"):
            PriceScope(**scope)  # type: ignore[arg-type] # texts where enums are expected


PERCENT, PER_OUNCE, PER_UNIT = PremiumPart
RAISE, LOWER, SET = PremiumStep


@pytest.mark.parametrize(
    ("part", "step", "number", "expected"),
    [
        (PERCENT, RAISE, "0.25", ["5.25 % + 1.5000 USD per ounce", "4.25 % + 2.00 USD per unit"]),
        (PERCENT, LOWER, "4", ["1 % + 1.5000 USD per ounce", "2.00 USD per unit"]),
        (PERCENT, SET, "0", ["1.5000 USD per ounce", "2.00 USD per unit"]),
        (PER_OUNCE, RAISE, "0.5", ["5 % + 2.0000 USD per ounce",
                                   "4 % + 0.5000 USD per ounce + 2.00 USD per unit"]),
        (PER_UNIT, SET, "0.5", ["5 % + 1.5000 USD per ounce + 0.50 USD per unit",
                                "4 % + 0.50 USD per unit"]),
    ],
)  # fmt: skip
def test_one_part_of_the_premium_changes_in_every_tier(
    part: PremiumPart, step: PremiumStep, number: str, expected: list[str]
) -> None:
    tiers = [tier("5", per_ounce="1.5"), tier("4", per_unit=200, from_quantity=10)]
    adjusted = adjustments.parse_adjustment(part, step, number).adjust(tiers)
    assert [each.terms for each in adjusted] == expected
    assert [each.from_quantity for each in adjusted] == [1, 10]


@pytest.mark.parametrize(
    ("part", "step", "number"),
    [
        (PERCENT, RAISE, "0"),
        (PERCENT, RAISE, "-1"),
        (PERCENT, SET, ""),
        (PERCENT, SET, "0.12345"),
        (PER_UNIT, RAISE, "0.005"),
    ],
)
def test_change_by_no_sound_number_is_refused(
    part: PremiumPart, step: PremiumStep, number: str
) -> None:
    with pytest.raises(Invalid, match="number"):
        adjustments.parse_adjustment(part, step, number)


@pytest.mark.parametrize(
    ("part", "step", "number"),
    [(PERCENT, LOWER, "4.0001"), (PERCENT, RAISE, "996"), (PER_UNIT, LOWER, "0.01")],
)
def test_premium_stays_within_its_bounds(part: PremiumPart, step: PremiumStep, number: str) -> None:
    adjustment = Adjustment(part, step, Decimal(number))
    with pytest.raises(Invalid, match="number"):
        adjustment.adjust([tier("5"), tier("4", from_quantity=10)])
