"""The calculation of exposure, by table and by property."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.rules import USD, Metal, Priced, Token
from app.hedging.rules import (
    OUNCES,
    BandStatus,
    ExposureBand,
    ExposureRules,
    MetalExposure,
    metal_exposure,
    ounces_in,
    total_usd,
)
from app.kit.money import Amount

GOLD = OUNCES[Metal.AU]
UNIT = 10**8
BAND = ExposureBand(Amount(GOLD, -5 * UNIT), Amount(GOLD, 5 * UNIT))


def gold_exposure(mid: str = "", *, paxg: str = "", **units: int) -> MetalExposure:
    mids: dict[Priced, str] = {Metal.AU: mid, Token.PAXG: paxg}
    return metal_exposure(
        Metal.AU,
        owed={"XAU-s": units.get("owed", 0)},
        quoted={"XAU-s": units.get("quoted", 0)},
        positions={"XAU-s": units.get("position", 0)},
        custody={"PAXG": units.get("custody", 0)},
        vault={"XAU-s": units.get("vault", 0)},
        in_transit={"XAU-s": units.get("in_transit", 0)},
        mids={priced: Decimal(text) for priced, text in mids.items() if text},
        band=BAND,
    )


def test_ounces_count_every_form_of_a_metal_and_no_other_asset() -> None:
    units = {"XAU-s": 3, "PAXG": 4, "XAG-s": 50, "USD": 600, "USDC": 7000}
    assert ounces_in(Metal.AU, units) == Amount(GOLD, 7)
    assert str(ounces_in(Metal.AG, units)) == "0.00000050"
    assert str(ounces_in(Metal.CU, units)) == "0.00000000"


@given(owed=st.integers(0, 10**17), quoted=st.integers(-(10**17), 10**17))
def test_net_is_what_is_held_less_what_is_owed(owed: int, quoted: int) -> None:
    assert gold_exposure(owed=owed, quoted=quoted).net.units == -owed - quoted
    assert gold_exposure(owed=owed, custody=7, vault=5, in_transit=3).net.units == 15 - owed


@pytest.mark.parametrize(
    ("owed", "mid", "usd"),
    [
        (2 * UNIT, "4006.20", "-8012.40"),
        (1, "4000", "0.00"),
        (125, "4000", "-0.01"),
        (124, "4000", "0.00"),
        (-125, "4000", "0.01"),
        (10**17, "9999.999999", "-9999999999000.00"),
    ],
)
def test_dollar_value_is_at_mid_with_halves_away_from_zero(owed: int, mid: str, usd: str) -> None:
    assert str(gold_exposure(mid, owed=owed).net_usd) == usd


def test_paxg_and_xau_s_have_each_their_own_price() -> None:
    exposure = gold_exposure("4000", paxg="3900", owed=2 * UNIT, custody=UNIT)
    assert str(exposure.net) == "-1.00000000"
    assert str(exposure.net_usd) == "-4100.00"
    assert str(gold_exposure("4000", owed=2 * UNIT, custody=UNIT).net_usd) == "-4000.00"


def test_without_a_price_only_zero_has_a_dollar_value() -> None:
    assert gold_exposure(owed=1).net_usd is None
    assert str(gold_exposure().net_usd) == "0.00"


@pytest.mark.parametrize(
    ("net", "status"),
    [
        (0, BandStatus.IN_BAND),
        (-5 * UNIT, BandStatus.IN_BAND),
        (-5 * UNIT - 1, BandStatus.SHORT),
        (5 * UNIT, BandStatus.IN_BAND),
        (5 * UNIT + 1, BandStatus.LONG),
    ],
)
def test_band_includes_its_ends(net: int, status: BandStatus) -> None:
    assert gold_exposure(owed=-net).status is status


def test_total_with_an_unknown_part_is_unknown() -> None:
    assert total_usd([Amount(USD, 5), Amount(USD, -7)]) == Amount(USD, -2)
    assert total_usd([Amount(USD, 5), None]) is None


def test_band_reaches_its_width_to_either_side() -> None:
    rules = ExposureRules(band_au=Decimal("2.5"))
    assert str(rules.band(Metal.AU).low) == "-2.50000000"
    assert str(rules.band(Metal.AU).high) == "2.50000000"
    assert all(rules.band(metal).high for metal in Metal)
    assert str(rules.band(Metal.AG).high) == "5000.00000000"


def test_exposure_is_empty_only_without_any_ounce() -> None:
    assert gold_exposure("4000").is_empty
    for units in ({"owed": 1}, {"quoted": -1}, {"position": 1}, {"custody": 1}):
        assert not gold_exposure("4000", **units).is_empty
    # Owed and held alike is not nothing.
    assert not gold_exposure("4000", owed=1, custody=1).is_empty
