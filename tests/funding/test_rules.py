"""Rules of funding: transfers between PAXG and XAU-s, and values in dollars."""

from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.rules import PAXG, TRADABLE, USD, XAG, XAU, Metal, Token, Wallet
from app.funding.rules import value_at_bid
from app.funding.transfers.rules import (
    check_transfer_size,
    counterpart_asset,
)
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.pricing.gate import TransferLimits

FUNDING, TRADING = Wallet.FUNDING, Wallet.TRADING


class TestCounterpart:
    def test_counterpart_is_the_other_form_of_gold(self) -> None:
        assert counterpart_asset(PAXG, FUNDING, TRADING) == XAU
        assert counterpart_asset(XAU, TRADING, FUNDING) == PAXG

    @pytest.mark.parametrize("asset", TRADABLE.values(), ids=TRADABLE)
    @pytest.mark.parametrize("origin", Wallet)
    @pytest.mark.parametrize("destination", Wallet)
    def test_other_assets_and_directions_are_refused(
        self, asset: object, origin: Wallet, destination: Wallet
    ) -> None:
        if (asset, origin, destination) in {(PAXG, FUNDING, TRADING), (XAU, TRADING, FUNDING)}:
            return
        with pytest.raises(Invalid) as refusal:
            counterpart_asset(asset, origin, destination)
        assert refusal.value.field == ("to" if origin is destination else "asset")


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("0.00009999", False),
        ("0.0001", True),
        ("1", True),
        ("100", True),
        ("100.00000001", False),
    ],
)
def test_transfer_size_has_a_minimum_and_a_maximum(text: str, *, fits: bool) -> None:
    amount = Amount.parse(PAXG, text)
    if fits:
        check_transfer_size(amount, TransferLimits())
    else:
        with pytest.raises(Invalid, match=r"0\.0001 to 100 troy ounces"):
            check_transfer_size(amount, TransferLimits())


class TestValue:
    BIDS: ClassVar = {
        Metal.AU: Decimal("3992.123456"),
        Metal.AG: Decimal("49.8"),
        Token.PAXG: Decimal("3960.5"),
    }

    @pytest.mark.parametrize(
        ("code", "text", "value"),
        [
            ("USD", "12.34", "12.34"),
            ("USDC", "12.349999", "12.34"),
            ("PAXG", "1", "3960.50"),
            ("XAU-s", "2", "7984.24"),
            ("XAG-s", "0.00000001", "0.00"),
            ("XAG-s", "0.1", "4.98"),
        ],
    )
    def test_value_is_at_the_bid_rounded_down_to_cents(
        self, code: str, text: str, value: str
    ) -> None:
        assert str(value_at_bid(Amount.parse(TRADABLE[code], text), self.BIDS)) == value

    def test_paxg_counts_as_an_ounce_of_gold_until_it_has_a_price(self) -> None:
        bids = {Metal.AU: self.BIDS[Metal.AU]}
        assert str(value_at_bid(Amount.parse(PAXG, "1"), bids)) == "3992.12"

    def test_value_without_a_price_is_none(self) -> None:
        assert value_at_bid(Amount(XAG, 1), {}) is None

    @given(st.integers(0, 10**18), st.integers(0, 10**18))
    def test_values_of_two_parts_never_exceed_the_whole(self, one: int, other: int) -> None:
        value = [value_at_bid(Amount(XAG, u), self.BIDS) for u in (one, other, one + other)]
        assert all(value.asset == USD for value in value)
        assert value[0] + value[1] <= value[2]
