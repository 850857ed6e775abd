"""The arithmetic of a conversion: pure, exact, in integers. API.md fixes every rounding.

Dollars (USD, USDC) are priced at 1. A metal asset is bought at the metal's ask and sold at its bid,
in USD per troy ounce; PAXG at the less favourable of its own price and gold's. The fee is taken
from what is given, except when metal is sold for dollars: then from the dollars.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from app.catalog.rules import DOLLARS, METAL_OF, PAXG, XAU, Metal, Priced, Token
from app.kit.money import Amount, Asset, Rounding, divide, quantize_down
from app.settings.rules import setting, settings_group

#: Decimals of the price of one metal in another.
CROSS_PRICE_DECIMALS = 8
BPS = 10_000


@dataclass(frozen=True, slots=True)
class PricePair:
    """The bid, ask and mid of a metal in USD per troy ounce."""

    bid: Decimal
    ask: Decimal
    mid: Decimal


DOLLAR_PRICE = PricePair(Decimal(1), Decimal(1), Decimal(1))


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion calculated to the last minor unit.

    `given = fee + …` on the side that bears the fee. `price` is USD per ounce (ask when buying, bid
    when selling), or from-metal in to-metal. `spread` and `rounding` are in the asset of `fee`.
    """

    given: Amount
    received: Amount
    price: Decimal
    fee: Amount
    #: The distance of `price` from mid, over the whole conversion.
    spread: Amount
    #: What truncation leaves with PBCEx: less than the worth of one minor unit of either side.
    rounding: Amount


@settings_group("trading", "Trading")
@dataclass(frozen=True, slots=True)
class TradingRules:
    """The fee of a conversion, and the lifetime of quotes."""

    fee_bps: int = setting("Fee of a conversion", 50, minimum=0, maximum=1000, unit="basis points")
    quote_seconds: int = setting(
        "Lifetime of a quote",
        30,
        minimum=1,
        maximum=3600,
        unit="seconds",
        about="PBCEx keeps the price of a quote for so long, whatever the market does.",
    )


@dataclass(frozen=True)
class ConversionTerms:
    """The assets, prices and fee of a conversion: all that is needed to convert an amount."""

    from_asset: Asset
    to_asset: Asset
    from_price: PricePair
    to_price: PricePair
    fee_bps: int

    @cached_property
    def price(self) -> Decimal:
        """The price of this conversion as the API shows it."""
        if self.to_asset in DOLLARS:
            return self.from_price.bid
        if self.from_asset in DOLLARS:
            return self.to_price.ask
        return quantize_down(self.from_price.bid / self.to_price.ask, CROSS_PRICE_DECIMALS)

    @cached_property
    def price_at_mid(self) -> Decimal:
        """The same price without spread: what slippage is measured from."""
        if self.to_asset in DOLLARS:
            return self.from_price.mid
        if self.from_asset in DOLLARS:
            return self.to_price.mid
        return self.from_price.mid / self.to_price.mid

    @property
    def sells_metal(self) -> bool:
        """Metal is given for dollars: the fee comes out of the dollars."""
        return self.to_asset in DOLLARS and self.from_asset not in DOLLARS

    @cached_property
    def rate(self) -> tuple[int, int]:
        """Minor units received for minor units given, before the fee and before rounding."""
        numerator, denominator = self.price.as_integer_ratio()
        if self.from_asset in DOLLARS and self.to_asset not in DOLLARS:
            numerator, denominator = denominator, numerator
        return numerator * self.to_asset.unit, denominator * self.from_asset.unit

    @cached_property
    def rate_at_mid(self) -> tuple[int, int]:
        """The same at the middle of the market: what a conversion without spread would give."""
        given, given_per = self.from_price.mid.as_integer_ratio()
        received, received_per = self.to_price.mid.as_integer_ratio()
        return (
            given * received_per * self.to_asset.unit,
            given_per * received * self.from_asset.unit,
        )

    def fee_on(self, units: int) -> int:
        """Return the fee on `units` minor units, rounded half up.

        It is at least one minor unit, so that a small conversion is not free; zero only at a rate
        of zero.
        """
        return max(divide(units * self.fee_bps, BPS, Rounding.HALF_UP), min(self.fee_bps, 1))

    def received_for(self, given: int) -> int:
        """Return the minor units received for `given`. More given never yields less."""
        if self.sells_metal:
            gross = self.gross_for(given)
            return gross - self.fee_on(gross)
        return self.gross_for(given - self.fee_on(given))

    def gross_for(self, given: int) -> int:
        """Return the minor units for `given` without a fee, truncated."""
        numerator, denominator = self.rate
        return given * numerator // denominator

    def given_for(self, received: int) -> int:
        """Return the smallest number of minor units that yields `received`."""
        numerator, denominator = self.rate
        before_fee = received * BPS * denominator
        high = divide(before_fee, (BPS - self.fee_bps) * numerator, Rounding.UP) + 1
        step = 1
        while self.received_for(high) < received:
            high += step
            step *= 2
        low = 0
        step = 1
        while high - step > 0:
            if self.received_for(high - step) < received:
                low = high - step
                break
            high -= step
            step *= 2
        while low + 1 < high:
            middle = (low + high) // 2
            if self.received_for(middle) < received:
                low = middle
            else:
                high = middle
        return high


def convert_given(terms: ConversionTerms, given: Amount) -> Conversion | None:
    """Return the conversion of `given`, or None if it yields nothing."""
    return _conversion(terms, given.units, terms.received_for(given.units))


def convert_received(terms: ConversionTerms, received: Amount) -> Conversion | None:
    """Return the conversion that yields exactly `received` for the least given, or None if none
    does because the price rounds to nothing."""
    if not terms.price:
        return None
    return _conversion(terms, terms.given_for(received.units), received.units)


def _conversion(terms: ConversionTerms, given: int, received: int) -> Conversion | None:
    """Return the conversion with what PBCEx keeps split into fee, spread and rounding."""
    if received <= 0:
        return None
    (up, down), (mid_up, mid_down) = terms.rate, terms.rate_at_mid
    if terms.sells_metal:
        # Kept in dollars: the metal's worth at mid, less what is paid out.
        fee = terms.fee_on(terms.gross_for(given))
        at_mid = divide(given * mid_up, mid_down, Rounding.HALF_UP)
        spread = divide(given * (mid_up * down - up * mid_down), mid_down * down, Rounding.HALF_UP)
        kept, fee_asset = at_mid - received - fee, terms.to_asset
    else:
        # Kept in the given asset: the rest after the fee, less the worth of `received` at mid.
        fee = terms.fee_on(given)
        at_mid = divide(received * mid_down, mid_up, Rounding.HALF_UP)
        spread = divide(received * (down * mid_up - mid_down * up), up * mid_up, Rounding.HALF_UP)
        kept, fee_asset = given - fee - at_mid, terms.from_asset
    return Conversion(
        given=Amount(terms.from_asset, given),
        received=Amount(terms.to_asset, received),
        price=terms.price,
        fee=Amount(fee_asset, fee),
        spread=Amount(fee_asset, spread),
        rounding=Amount(fee_asset, kept - spread),
    )


def prices_needed(asset: Asset) -> tuple[Priced, ...]:
    """Return the prices that a conversion of this asset needs, its own as the last: none of
    dollars, and gold's beside PAXG's."""
    if asset in DOLLARS:
        return ()
    return (Metal.AU, Token.PAXG) if asset == PAXG else (METAL_OF[asset.code],)


def price_of(asset: Asset, prices: Mapping[Priced, PricePair]) -> PricePair:
    """Return the price at which an asset is converted, from all that `prices_needed` names.

    Where there are two, the customer buys at the higher ask and sells at the lower bid: otherwise
    the dearer of PAXG and gold could be had at the price of the cheaper one.
    """
    if asset in DOLLARS:
        return DOLLAR_PRICE
    needed = [prices[each] for each in prices_needed(asset)]
    return PricePair(
        min(each.bid for each in needed), max(each.ask for each in needed), needed[-1].mid
    )


def passes_gate(*assets: Asset) -> bool:
    """Return whether a conversion between these assets exchanges PAXG for gold."""
    return set(assets) == {PAXG, XAU}


def exceeds_slippage(conversion: Conversion, reference: Decimal, bps_max: int) -> bool:
    """Return whether the price is more than `bps_max` worse for the customer than `reference`."""
    buys = conversion.given.asset in DOLLARS
    shortfall = (conversion.price - reference) if buys else (reference - conversion.price)
    return shortfall * BPS > reference * bps_max
