"""The gate between PAXG and gold."""

from decimal import Decimal

import pytest

from app.pricing.gate import deviates


@pytest.mark.parametrize(
    ("paxg", "gold", "bps", "closed"),
    [
        ("4000", "4000", 0, False),
        ("4000.000001", "4000", 0, True),
        ("4040", "4000", 100, False),
        ("4040.000001", "4000", 100, True),
        ("3960", "4000", 100, False),
        ("3959.999999", "4000", 100, True),
    ],
)
def test_gate_closes_beyond_the_limit_on_either_side(
    paxg: str, gold: str, *, bps: int, closed: bool
) -> None:
    assert deviates(Decimal(paxg), Decimal(gold), bps) is closed
