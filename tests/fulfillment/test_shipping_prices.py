"""What shipping and its insurance cost, to the cent."""

from decimal import Decimal

import pytest

from app.catalog.products.rules import OUNCE
from app.catalog.rules import USD
from app.fulfillment.shipping_prices.rules import ShippingRules
from app.kit.money import Amount

RULES = ShippingRules()


def usd(text: str) -> Amount:
    return Amount.parse(USD, text)


@pytest.mark.parametrize(
    ("ounces", "price", "is_abroad", "fee"),
    [
        ("32", "100.00", False, "9.95"),
        ("32.00000001", "100.00", False, "24.95"),
        ("320", "4999.99", False, "24.95"),
        ("320.00000001", "4999.99", False, "149.00"),
        ("400", "5000.00", False, "0.00"),
        ("32", "100.00", True, "104.95"),
        ("400", "5000.00", True, "95.00"),
    ],
)
def test_shipping_goes_by_weight_and_is_free_above_a_price_at_home(
    ounces: str, price: str, is_abroad: bool, fee: str
) -> None:
    units = int(Decimal(ounces) * OUNCE)
    assert str(RULES.shipping_fee(units, usd(price), is_abroad=is_abroad)) == fee


def test_insurance_is_a_percentage_rounded_half_up() -> None:
    assert [str(RULES.insurance_fee(usd(price))) for price in ("12465.00", "1.99", "2.00")] == [
        "31.16",
        "0.00",
        "0.01",
    ]
