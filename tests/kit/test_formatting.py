"""How amounts, prices and times are written for people."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from app.kit import formatting
from app.kit.money import UNITS_MAX, Amount, Asset

USD, USDC, XAU = Asset("USD", 2), Asset("USDC", 6), Asset("XAU-s", 8)
GOLD = Asset("AU", 8)
NAIROBI = timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("asset", "units", "text"),
    [
        (USD, 1_500_000, "15,000.00 USD"),
        (USD, 0, "0.00 USD"),
        (USD, 5, "0.05 USD"),
        (USD, -99_999, "−999.99 USD"),
        (USD, UNITS_MAX, "10,000,000,000,000,000.00 USD"),
        (USDC, 1_250_000_000, "1,250.00 USDC"),
        (USDC, 1_250_000_001, "1,250.000001 USDC"),
        (XAU, 150_000_000, "1.5000 XAU-s"),
        (XAU, 2_487_500, "0.024875 XAU-s"),
        (XAU, 1, "0.00000001 XAU-s"),
        (XAU, -123_456_700_000_000, "−1,234,567.0000 XAU-s"),
    ],
)
def test_amount_has_groups_enough_decimals_and_its_asset(asset, units, text) -> None:
    assert formatting.format_amount(Amount(asset, units)) == text


@pytest.mark.parametrize(
    ("asset", "units", "text"),
    [
        (USD, 125_000, "1,250.00"),
        (XAU, 125_050_000_000, "1,250.50000000"),
        (XAU, -1, "−0.00000001"),
        (XAU, 0, "0.00000000"),
    ],
)
def test_figure_has_all_decimals(asset, units, text) -> None:
    assert formatting.format_figure(Amount(asset, units)) == text


@pytest.mark.parametrize(
    ("asset", "units", "parts"),
    [
        (USD, -125_000, ("−", "1,250", ".00", "")),
        (USDC, 1_234_567, ("", "1", ".23", "4567")),
        (XAU, 123_456_789, ("", "1", ".2345", "6789")),
    ],
)
def test_page_subdues_decimals_beyond_cents_and_ten_thousandths(asset, units, parts) -> None:
    figure = formatting.split_amount(Amount(asset, units))
    assert (figure.sign, figure.whole, figure.coarse, figure.fine) == parts


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("4012.5", "4,012.50 USD"),
        ("4012.3456", "4,012.3456 USD"),
        ("4000.0000", "4,000.00 USD"),
        ("10", "10.00 USD"),
        ("9.99", "9.9900 USD"),
        ("0.3125", "0.3125 USD"),
        ("0.31254321", "0.31254321 USD"),
        ("1E+3", "1,000.00 USD"),
        ("1E-7", "0.0000001 USD"),
    ],
)
def test_price_below_ten_dollars_has_four_decimals(price, text) -> None:
    assert formatting.format_price(Decimal(price)) == text


@pytest.mark.parametrize(
    ("units", "text"),
    [(5_000_000_000, "50"), (-125_050_000_000, "−1,250.5"), (0, "0"), (10**11, "1,000")],
)
def test_terse_number_has_no_zeros_at_its_end(units, text) -> None:
    assert formatting.format_tersely(Amount(GOLD, units)) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (12_500, "12,500"), (-1_000, "−1,000")])
def test_count_has_groups(count, text) -> None:
    assert formatting.format_count(count) == text


@pytest.mark.parametrize(
    ("instant", "minute", "second"),
    [
        (
            datetime(2026, 11, 28, 23, 21, 45, 999_000, UTC),
            "28 Nov 2026, 23:21 UTC",
            "28 Nov 2026, 23:21:45 UTC",
        ),
        (
            datetime(2026, 1, 1, 2, 0, 5, tzinfo=NAIROBI),
            "31 Dec 2025, 23:00 UTC",
            "31 Dec 2025, 23:00:05 UTC",
        ),
    ],
)
def test_time_is_in_utc_and_says_so(instant, minute, second) -> None:
    assert formatting.format_time(instant) == minute
    assert formatting.format_exact_time(instant) == second
    assert second.endswith(formatting.format_clock(instant))


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(1990, 5, 4), "4 May 1990"),
        (datetime(2026, 1, 1, 2, 0, tzinfo=NAIROBI), "31 Dec 2025"),
    ],
)
def test_day_of_an_instant_is_that_of_utc(day, text) -> None:
    assert formatting.format_date(day) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (172_799, "47 h"),
        (172_800, "2 days"),
    ],
)
def test_duration_has_its_coarsest_useful_unit(seconds, text) -> None:
    assert formatting.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"),
        (3540, "59 minutes"), (3541, "1 hour"), (3601, "2 hours"), (82_801, "1 day"),
        (86_401, "2 days"),
    ],
)  # fmt: skip
def test_wait_is_rounded_up(seconds: int, text: str) -> None:
    assert formatting.format_wait(seconds) == text


def test_number_of_things_agrees_with_its_noun() -> None:
    assert [formatting.format_number_of(count, "job") for count in (0, 1, 2, 12_500)] == [
        "0 jobs", "1 job", "2 jobs", "12,500 jobs",
    ]  # fmt: skip
    assert formatting.format_number_of(1, "try", "tries") == "1 try"
    assert formatting.format_number_of(3, "try", "tries") == "3 tries"
