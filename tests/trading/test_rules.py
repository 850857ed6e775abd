"""The arithmetic of conversions: the rules of API.md, calculated by hand and as properties."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.catalog.rules import DOLLARS, PAXG, TRADABLE, USD, USDC, XAU, Metal, Token
from app.kit.money import UNITS_MAX, Amount, Asset
from app.trading.rules import (
    DOLLAR_PRICE,
    Conversion,
    ConversionTerms,
    PricePair,
    convert_given,
    convert_received,
    exceeds_slippage,
    passes_gate,
    price_of,
    prices_needed,
)

GOLD = PricePair(bid=Decimal(3992), ask=Decimal(4008), mid=Decimal(4000))
SILVER = PricePair(bid=Decimal("49.8"), ask=Decimal("50.2"), mid=Decimal(50))
PRICES = {"USD": DOLLAR_PRICE, "USDC": DOLLAR_PRICE, "PAXG": GOLD, "XAU-s": GOLD, "XAG-s": SILVER}
FEE_BPS = 50


def terms(source: str, target: str, fee_bps: int = FEE_BPS) -> ConversionTerms:
    return ConversionTerms(
        TRADABLE[source], TRADABLE[target], PRICES[source], PRICES[target], fee_bps
    )


def amount(text: str, code: str) -> Amount:
    return Amount.parse(TRADABLE[code], text)


def as_texts(conversion: Conversion | None) -> tuple[str, ...]:
    assert conversion is not None
    assert conversion.spread.asset == conversion.rounding.asset == conversion.fee.asset
    return (
        str(conversion.given),
        str(conversion.received),
        str(conversion.price),
        str(conversion.fee),
        conversion.fee.asset.code,
    )


class TestConvertGiven:
    @pytest.mark.parametrize(
        "row",
        [
            # 0.5 % of 1250 is 6.25; 1243.75 / 4008 = 0.310316866…
            ("USD", "XAU-s", "1250.00", "0.31031686", "4008", "6.25", "USD"),
            ("USD", "PAXG", "1250.00", "0.31031686", "4008", "6.25", "USD"),
            ("USDC", "XAU-s", "1250.000000", "0.31031686", "4008", "6.250000", "USDC"),
            # 0.5 % of a dollar is half a cent: rounded up. 0.99 / 4008 = 0.000247005…
            ("USD", "XAU-s", "1.00", "0.00024700", "4008", "0.01", "USD"),
            # 0.495 of a cent is at least a cent. 0.98 / 4008 = 0.000244510…
            ("USD", "XAU-s", "0.99", "0.00024451", "4008", "0.01", "USD"),
            # A cent for the fee, a cent / 4008 = 0.000002495…
            ("USD", "XAU-s", "0.02", "0.00000249", "4008", "0.01", "USD"),
            # A millionth for the fee, a millionth of a dollar / 50.2 = 0.0000000199…
            ("USDC", "XAG-s", "0.000002", "0.00000001", "50.2", "0.000001", "USDC"),
            # 1 ounce brings 3992.00 less 19.96.
            ("XAU-s", "USD", "1.00000000", "3972.04", "3992", "19.96", "USD"),
            ("PAXG", "USD", "1.00000000", "3972.04", "3992", "19.96", "USD"),
            # 492.83946576 is 492.83; 0.5 % of it is 2.46415.
            ("XAU-s", "USD", "0.12345678", "490.37", "3992", "2.46", "USD"),
            # 492.839465 in USDC; 0.5 % of it is 2.464197325.
            ("XAU-s", "USDC", "0.12345678", "490.375268", "3992", "2.464197", "USDC"),
            # 0.02008032 × 49.8 = 0.999999936: 0.99, a cent of fee on it.
            ("XAG-s", "USD", "0.02008032", "0.98", "49.8", "0.01", "USD"),
            # 0.00040161 × 49.8 = 0.020000178: a cent for the fee, a cent is left.
            ("XAG-s", "USD", "0.00040161", "0.01", "49.8", "0.01", "USD"),
            # Ten units of the last decimal: one of them is the fee, nine are 8.96….
            ("PAXG", "XAU-s", "0.00000010", "0.00000008", "0.99600798", "0.00000001", "PAXG"),
            ("XAG-s", "USD", "0.02008033", "0.99", "49.8", "0.01", "USD"),
            # Dollars at 1; the fee is taken from what is given.
            ("USD", "USDC", "100.00", "99.500000", "1", "0.50", "USD"),
            ("USDC", "USD", "100.000001", "99.50", "1", "0.500000", "USDC"),
            ("USDC", "USD", "0.019999", "0.01", "1", "0.000100", "USDC"),
            # 3992 / 50.2 = 79.5219123505…; 0.995 of it is 79.12430278825 (with the cut price).
            ("XAU-s", "XAG-s", "1.00000000", "79.12430278", "79.52191235", "0.00500000", "XAU-s"),
            ("PAXG", "XAG-s", "1.00000000", "79.12430278", "79.52191235", "0.00500000", "PAXG"),
            # 49.8 / 4008 = 0.0124251497…
            ("XAG-s", "XAU-s", "1.00000000", "0.01236301", "0.01242514", "0.00500000", "XAG-s"),
            # 3992 / 4008 = 0.99600798403…: worse than minting one to one.
            ("PAXG", "XAU-s", "1.00000000", "0.99102794", "0.99600798", "0.00500000", "PAXG"),
            ("XAU-s", "PAXG", "1.00000000", "0.99102794", "0.99600798", "0.00500000", "XAU-s"),
        ],
    )
    def test_given_amount_converts_as_calculated_by_hand(self, row: tuple[str, ...]) -> None:
        """A row is: from, to, given; then received, price, fee and the fee's asset."""
        source, target, given, *expected = row
        conversion = convert_given(terms(source, target), amount(given, source))
        assert as_texts(conversion) == (given, *expected)

    @pytest.mark.parametrize(
        ("source", "target", "given"),
        [
            ("XAG-s", "USD", "0.00020080"),  # 0.00999984 dollars
            # What is left for a fee alone.
            ("XAG-s", "USD", "0.00040160"),  # 0.01999968 dollars
            ("USD", "XAU-s", "0.01"),
            ("USDC", "XAG-s", "0.000001"),
            ("XAU-s", "XAG-s", "0.00000001"),
            ("XAG-s", "XAU-s", "0.00000080"),
            ("USDC", "USD", "0.009999"),
            ("USDC", "XAU-s", "0.000040"),
        ],
    )
    def test_amount_that_converts_to_nothing_has_no_conversion(
        self, source: str, target: str, given: str
    ) -> None:
        assert convert_given(terms(source, target), amount(given, source)) is None

    def test_fee_spread_and_rounding_match_hand_calculation(self) -> None:
        # Bought: 0.31031686 oz are 1241.26744 at mid, and 8 dollars an ounce from the ask.
        bought = convert_given(terms("USD", "XAU-s"), amount("1250.00", "USD"))
        assert (str(bought.fee), str(bought.spread), str(bought.rounding)) == (
            "6.25",
            "2.48",
            "0.00",
        )
        # Sold: 493.82712 at mid, 8 dollars an ounce away 0.98765424; paid out 490.37, fee 2.46.
        sold = convert_given(terms("XAU-s", "USD"), amount("0.12345678", "XAU-s"))
        assert (str(sold.fee), str(sold.spread), str(sold.rounding)) == ("2.46", "0.99", "0.01")
        # Between dollars there is no spread: 100.000001 - 0.500000 - 99.50.
        changed = convert_given(terms("USDC", "USD"), amount("100.000001", "USDC"))
        assert (str(changed.spread), str(changed.rounding)) == ("0.000000", "0.000001")

    def test_zero_fee_charges_nothing(self) -> None:
        conversion = convert_given(terms("USD", "XAU-s", 0), amount("4008.00", "USD"))
        assert as_texts(conversion) == ("4008.00", "1.00000000", "4008", "0.00", "USD")


class TestConvertReceived:
    @pytest.mark.parametrize(
        ("source", "target", "received", "given", "fee"),
        [
            # 4028.13 less 20.14 buys less than an ounce.
            ("USD", "XAU-s", "1.00000000", "4028.14", "20.14"),
            ("USD", "XAU-s", "0.31031686", "1250.00", "6.25"),
            # A cent buys 0.00000249; a second one is the fee.
            ("USD", "XAU-s", "0.00000001", "0.02", "0.01"),
            ("USDC", "XAG-s", "0.00000001", "0.000002", "0.000001"),
            # 0.99999999 oz bring 3991.99, of which 3972.03 are left.
            ("XAU-s", "USD", "3972.04", "1.00000000", "19.96"),
            # One cent and one for the fee: 0.02 / 3992 = 0.00000501002…
            ("XAU-s", "USD", "0.01", "0.00000502", "0.01"),
            ("USD", "USDC", "99.500000", "100.00", "0.50"),
            ("USDC", "USD", "99.50", "100.000000", "0.500000"),
            ("XAU-s", "XAG-s", "79.12430278", "1.00000000", "0.00500000"),
            ("PAXG", "XAU-s", "0.99102794", "1.00000000", "0.00500000"),
        ],
    )
    def test_received_amount_converts_as_calculated_by_hand(
        self, source: str, target: str, received: str, given: str, fee: str
    ) -> None:
        conversion = convert_received(terms(source, target), amount(received, target))
        texts = as_texts(conversion)
        assert (texts[0], texts[1], texts[3]) == (given, received, fee)


class TestSlippage:
    @pytest.mark.parametrize(
        ("source", "target", "reference", "bps", "exceeds"),
        [
            # Bought at 4008: 20 bps above 4000.
            ("USD", "XAU-s", "4000", 20, False),
            ("USD", "XAU-s", "4000", 19, True),
            ("USD", "XAU-s", "4008", 0, False),
            ("USD", "XAU-s", "4007.999999", 0, True),
            ("USD", "XAU-s", "5000", 0, False),
            # Sold at 3992: 20 bps below 4000.
            ("XAU-s", "USD", "4000", 20, False),
            ("XAU-s", "USD", "4000", 19, True),
            ("XAU-s", "USD", "3992", 0, False),
            ("XAU-s", "USD", "3992.000001", 0, True),
            ("XAU-s", "USD", "3000", 0, False),
            # Crossed at 79.52191235.
            ("XAU-s", "XAG-s", "79.52191235", 0, False),
            ("XAU-s", "XAG-s", "79.52191236", 0, True),
            ("USD", "USDC", "1", 0, False),
        ],
    )
    def test_slippage_counts_only_against_the_customer(
        self, source: str, target: str, *, reference: str, bps: int, exceeds: bool
    ) -> None:
        conversion = convert_given(terms(source, target), Amount(TRADABLE[source], 10**8))
        assert exceeds_slippage(conversion, Decimal(reference), bps) is exceeds

    def test_price_at_mid_has_no_spread(self) -> None:
        assert terms("USD", "XAU-s").price_at_mid == 4000
        assert terms("XAU-s", "USDC").price_at_mid == 4000
        assert terms("XAU-s", "XAG-s").price_at_mid == 80
        assert terms("USD", "USDC").price_at_mid == 1


def test_price_of_paxg_needs_gold_s_price_too() -> None:
    assert prices_needed(USD) == prices_needed(USDC) == ()
    assert prices_needed(XAU) == (Metal.AU,)
    assert prices_needed(PAXG) == (Metal.AU, Token.PAXG)


@pytest.mark.parametrize(
    ("token", "bid", "ask"),
    [
        (PricePair(bid=Decimal(3792), ask=Decimal(3808), mid=Decimal(3800)), "3792", "4008"),
        (PricePair(bid=Decimal(4192), ask=Decimal(4208), mid=Decimal(4200)), "3992", "4208"),
        (PricePair(bid=Decimal(3995), ask=Decimal(4005), mid=Decimal(4000)), "3992", "4008"),
        (PricePair(bid=Decimal(3990), ask=Decimal(4010), mid=Decimal(4000)), "3990", "4010"),
    ],
    ids=["cheaper", "dearer", "narrower", "wider"],
)
def test_paxg_is_bought_at_the_higher_ask_and_sold_at_the_lower_bid(
    token: PricePair, bid: str, ask: str
) -> None:
    prices = {Metal.AU: GOLD, Token.PAXG: token}
    assert price_of(PAXG, prices) == PricePair(Decimal(bid), Decimal(ask), token.mid)
    assert price_of(XAU, prices) == GOLD


def test_only_a_conversion_between_paxg_and_gold_passes_the_gate() -> None:
    passing = {
        (one.code, other.code)
        for one in TRADABLE.values()
        for other in TRADABLE.values()
        if passes_gate(one, other)
    }
    assert passing == {("PAXG", "XAU-s"), ("XAU-s", "PAXG")}


mids = st.decimals("0.01", "100000", places=6)


@st.composite
def round_trips(draw: st.DrawFn) -> tuple[ConversionTerms, ConversionTerms]:
    """Return the terms of a conversion and of its reverse."""
    source, target = draw(st.permutations(list(TRADABLE.values())))[:2]
    fee_bps = draw(st.sampled_from([0, 1, 50, 333, 5000]))

    def price(asset: Asset) -> PricePair:
        if asset in DOLLARS:
            return DOLLAR_PRICE
        mid = draw(mids)
        half = mid * draw(st.integers(0, 400)) / 20_000
        step = Decimal("0.000001")
        bid = max((mid - half).quantize(step, "ROUND_FLOOR"), step)
        return PricePair(bid, (mid + half).quantize(step, "ROUND_CEILING"), mid)

    # Whatever PAXG's price is made of.
    prices = price(source), price(target)
    out = ConversionTerms(source, target, prices[0], prices[1], fee_bps)
    return out, ConversionTerms(target, source, prices[1], prices[0], fee_bps)


units = st.one_of(st.integers(1, 1000), st.integers(1, 10**15), st.integers(1, UNITS_MAX))


class TestProperties:
    @given(round_trips(), units, st.integers(1, 10**6))
    def test_giving_more_never_yields_less(
        self, market: tuple[ConversionTerms, ConversionTerms], given_units: int, more: int
    ) -> None:
        out, _ = market
        assume(out.price > 0)
        assert out.received_for(given_units) <= out.received_for(given_units + 1)
        assert out.received_for(given_units) <= out.received_for(given_units + more)

    @given(round_trips(), units)
    def test_received_amount_costs_the_least_that_yields_it(
        self, market: tuple[ConversionTerms, ConversionTerms], received: int
    ) -> None:
        out, _ = market
        assume(out.price > 0)
        least = out.given_for(received)
        assert least >= 1
        assert out.received_for(least) >= received
        assert out.received_for(least - 1) < received

    @given(round_trips(), units)
    def test_converting_back_what_was_received_gains_nothing(
        self, market: tuple[ConversionTerms, ConversionTerms], given_units: int
    ) -> None:
        out, back = market
        assume(out.price > 0 and back.price > 0)
        received = out.received_for(given_units)
        assert back.received_for(received) <= given_units

    @given(round_trips(), units)
    def test_converting_back_an_exact_amount_gains_nothing(
        self, market: tuple[ConversionTerms, ConversionTerms], received: int
    ) -> None:
        """Buy an exact amount for the least, then sell it all: at most the given amount returns."""
        out, back = market
        assume(out.price > 0 and back.price > 0)
        assert back.received_for(received) <= out.given_for(received)

    @given(round_trips(), units, st.booleans())
    def test_fee_spread_and_rounding_add_up_to_what_is_kept(
        self, market: tuple[ConversionTerms, ConversionTerms], amount_units: int, forward: bool
    ) -> None:
        out, _ = market
        assume(out.price > 0)
        if forward:
            conversion = convert_given(out, Amount(out.from_asset, amount_units))
        else:
            conversion = convert_received(out, Amount(out.to_asset, amount_units))
        assume(conversion is not None)
        at_mid = Fraction(*out.rate_at_mid)
        retained_units = conversion.fee.units + conversion.spread.units + conversion.rounding.units
        # In the fee's asset: what is given equals what is received plus what is kept, to the unit.
        if out.sells_metal:
            assert conversion.fee.asset == out.to_asset
            assert abs(
                conversion.given.units * at_mid - conversion.received.units - retained_units
            ) <= Fraction(1, 2)
        else:
            assert conversion.fee.asset == out.from_asset
            assert abs(
                conversion.given.units - conversion.received.units / at_mid - retained_units
            ) <= Fraction(1, 2)
        assert (conversion.fee.units > 0) is (out.fee_bps > 0)
        assert conversion.spread.units >= 0
        # Halves may be rounded twice; truncation never costs us more than that.
        assert conversion.rounding.units >= -1
