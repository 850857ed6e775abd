"""Which strategy sends goods, and on which day a parcel leaves."""

from datetime import UTC, date, datetime

import pytest

from app.catalog.rules import USD
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.strategies.business_days import (
    add_business_days,
    is_business_day,
    shipping_day,
)
from app.fulfillment.strategies.rules import FulfillmentRules, choose
from app.kit.money import Amount

JM, BRINKS = FulfilmentStrategy.JM, FulfilmentStrategy.BRINKS
RULES = FulfillmentRules()


@pytest.mark.parametrize(
    ("value", "dearest", "is_abroad", "requested", "chosen", "reason"),
    [
        ("99999.99", "50000", False, None, JM, "It is the configured one."),
        ("99999.99", "50000", False, BRINKS, BRINKS, "The customer chose it."),
        ("200000", "50000", False, JM, JM, "The customer chose it."),
        ("100000", "2000", False, None, BRINKS, "The goods are worth at least 100,000.00 USD."),
        ("60000", "50000.01", False, JM, BRINKS, "One piece is worth more than 50,000.00 USD."),
        ("10", "10", True, None, BRINKS, "The goods go abroad."),
    ],
)
def test_strategy_is_chosen_by_request_value_caps_and_destination(
    value: str,
    dearest: str,
    is_abroad: bool,
    requested: FulfilmentStrategy | None,
    chosen: FulfilmentStrategy,
    reason: str,
) -> None:
    choice = choose(
        RULES,
        JM,
        value=Amount.parse(USD, value),
        dearest_unit=Amount.parse(USD, dearest),
        is_abroad=is_abroad,
        requested=requested,
    )
    assert (choice.strategy, choice.reason) == (chosen, reason)


def test_terms_of_the_strategies_differ_as_their_partners_do() -> None:
    jm, brinks = RULES.terms_of(JM), RULES.terms_of(BRINKS)
    assert [(each.days_min, each.days_max, each.cancel_hours) for each in (jm, brinks)] == [
        (5, 7, 24),
        (3, 4, 0),
    ]
    assert jm.fee.units < brinks.fee.units
    assert brinks.carriers < jm.carriers
    with pytest.raises(ValueError, match="last day"):
        FulfillmentRules(jm_days_min=8)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2026, 11, 25), True),
        (date(2026, 11, 26), False),  # Thanksgiving
        (date(2026, 5, 25), False),  # Memorial Day
        (date(2026, 9, 7), False),  # Labor Day
        (date(2026, 12, 25), False),
        (date(2026, 11, 28), False),  # Saturday
    ],
)
def test_carriers_rest_at_weekends_and_on_their_holidays(day: date, is_open: bool) -> None:
    assert is_business_day(day) is is_open


def test_parcel_leaves_the_same_day_until_the_hour_on_the_clock_of_the_branch() -> None:
    new_york = "America/New_York"
    before = datetime(2026, 11, 25, 19, 59, tzinfo=UTC)  # 14:59
    after = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)  # 15:00, the day before Thanksgiving
    assert shipping_day(before, new_york, 15) == date(2026, 11, 25)
    assert shipping_day(after, new_york, 15) == date(2026, 11, 27)
    assert add_business_days(date(2026, 11, 25), 2) == date(2026, 11, 30)
