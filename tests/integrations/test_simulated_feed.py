"""The simulated market: repeatable, plausible, and without prices while it is closed."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.rules import Metal, Token
from app.integrations.simulated.feed import SimulatedFeed, price_at

NOW = datetime(2026, 2, 10, 15, tzinfo=UTC)


def test_fetch_returns_one_observation_of_each_metal() -> None:
    observations = SimulatedFeed("pbcex", is_open=lambda _now: True).fetch(NOW)
    assert [observation.metal for observation in observations] == [*Metal, Token.PAXG]
    assert {observation.observed_at for observation in observations} == {NOW}


def test_closed_market_has_no_observations() -> None:
    assert SimulatedFeed("pbcex", is_open=lambda _now: False).fetch(NOW) == []


def test_prices_are_the_same_in_every_process_and_decimal_context() -> None:
    # A changed formula changes every demonstration and recorded expectation.
    expected = {
        Metal.AU: "4146.388183",
        Metal.CU: "0.353399",
    }
    with localcontext(Context(prec=5)):
        here = {metal: str(price_at("pbcex", metal, NOW)) for metal in expected}
    assert here == expected
    code = (
        "from datetime import UTC, datetime; from app.catalog.rules import Metal; "
        "from app.integrations.simulated.feed import price_at; "
        "print(price_at('pbcex', Metal.AU, datetime(2026, 2, 10, 15, tzinfo=UTC)))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert elsewhere.stdout.strip() == expected[Metal.AU]


def test_another_seed_gives_other_prices() -> None:
    assert price_at("a", Metal.AU, NOW) != price_at("b", Metal.AU, NOW)


@given(
    st.text(max_size=5),
    st.sampled_from(Metal),
    # 1960 to 2100, by the microsecond.
    st.integers(-315_619_200_000_000, 4_102_444_800_000_000).map(
        lambda at: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    ),
)
def test_prices_are_plausible_and_smooth(seed: str, metal: Metal, instant: datetime) -> None:
    level = {"AU": 4000, "AG": 50, "PT": 1550, "PD": 1400, "CU": Decimal("0.35")}[metal]
    price = price_at(seed, metal, instant)
    assert price == price.quantize(Decimal("0.000001"))
    assert level * Decimal("0.6") < price < level * Decimal("1.7")
    # Two seconds move the price by far less than the spread, so the jump guard never triggers.
    later = price_at(seed, metal, instant + timedelta(seconds=2))
    assert abs(later - price) <= price * Decimal("0.002")


@pytest.mark.parametrize("metal", list(Metal))
def test_prices_move_within_a_minute_and_a_month(metal: Metal) -> None:
    minute = {price_at("pbcex", metal, NOW + timedelta(seconds=5 * step)) for step in range(12)}
    assert len(minute) >= 8
    month = [price_at("pbcex", metal, NOW + timedelta(days=step)) for step in range(30)]
    assert max(month) > min(month) * Decimal("1.01")
