"""The coins and bars of the sample: series, each in its sizes, and their first deliveries."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import cycle
from typing import NamedTuple

from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import USD, Metal
from app.catalog.tax_classes import TaxClass
from app.kit.money import Amount, Rounding, round_units
from app.sample import product_texts
from app.vault.deliveries.service import NewReceipt

_OUNCE_GRAMS = Decimal("31.1034768")
_GRAM, _POUND = 1 / _OUNCE_GRAMS, Decimal("453.59237") / _OUNCE_GRAMS
_COIN, _ROUND, _BAR = ProductForm.COIN, ProductForm.ROUND, ProductForm.BAR
#: Sizes as they are part of a SKU: how they are called, and their troy ounces.
_SIZES = {
    "1OZ": ("1 oz", Decimal(1)),
    "1-2OZ": ("1/2 oz", Decimal("0.5")),
    "1-4OZ": ("1/4 oz", Decimal("0.25")),
    "1-10OZ": ("1/10 oz", Decimal("0.1")),
    "2OZ": ("2 oz", Decimal(2)),
    "5OZ": ("5 oz", Decimal(5)),
    "10OZ": ("10 oz", Decimal(10)),
    "100OZ": ("100 oz", Decimal(100)),
    **{f"{grams}G": (f"{grams} g", grams * _GRAM) for grams in (1, 3, 5, 8, 10, 15, 20, 30, 50)},
    **{f"{grams}G": (f"{grams} g", grams * _GRAM) for grams in (100, 250, 500)},
    "1KG": ("1 kg", 1000 * _GRAM),
    "5KG": ("5 kg", 5000 * _GRAM),
    "1LB": ("1 lb", _POUND),
    "5LB": ("5 lb", 5 * _POUND),
}
_PARTS = "1OZ 1-2OZ 1-4OZ 1-10OZ"
_SMALL_BARS = "1G 5G 10G 20G"


class _Series(NamedTuple):
    """Coins have the fine weight of their size, and rounds too; bars have its gross weight."""

    code: str
    name: str
    metal: Metal
    form: ProductForm
    fineness: str
    sizes: str


_SERIES = (
    _Series("EAGLE", "Gold Eagle", Metal.AU, _COIN, "0.9167", _PARTS),
    _Series("MAPLE", "Gold Maple Leaf", Metal.AU, _COIN, "0.9999", _PARTS),
    _Series("KRUGERRAND", "Krugerrand", Metal.AU, _COIN, "0.9167", _PARTS),
    _Series("BRITANNIA", "Gold Britannia", Metal.AU, _COIN, "0.9999", _PARTS),
    _Series("PHILHARMONIC", "Gold Philharmonic", Metal.AU, _COIN, "0.9999", _PARTS),
    _Series("KANGAROO", "Gold Kangaroo", Metal.AU, _COIN, "0.9999", _PARTS),
    _Series("LUNAR", "Gold Lunar", Metal.AU, _COIN, "0.9999", _PARTS),
    _Series("BUFFALO", "Gold Buffalo", Metal.AU, _COIN, "0.9999", "1OZ"),
    _Series("PANDA", "Gold Panda", Metal.AU, _COIN, "0.999", "1G 3G 8G 15G 30G"),
    _Series("BAR", "Gold bar", Metal.AU, _BAR, "0.9999", f"1OZ {_SMALL_BARS}"),
    _Series("EAGLE", "Silver Eagle", Metal.AG, _COIN, "0.999", "1OZ"),
    _Series("MAPLE", "Silver Maple Leaf", Metal.AG, _COIN, "0.9999", "1OZ"),
    _Series("KRUGERRAND", "Silver Krugerrand", Metal.AG, _COIN, "0.999", "1OZ"),
    _Series("BRITANNIA", "Silver Britannia", Metal.AG, _COIN, "0.999", "1OZ 2OZ 10OZ"),
    _Series("PHILHARMONIC", "Silver Philharmonic", Metal.AG, _COIN, "0.999", "1OZ"),
    _Series("LUNAR", "Silver Lunar", Metal.AG, _COIN, "0.999", "1OZ 2OZ 5OZ 10OZ"),
    _Series("ROUND", "Silver round", Metal.AG, _ROUND, "0.999", "1-2OZ 1OZ 2OZ 5OZ"),
    _Series("BAR", "Silver bar", Metal.AG, _BAR, "0.999", "1OZ 5OZ 10OZ 100OZ 1KG"),
    _Series("CAST", "Cast silver bar", Metal.AG, _BAR, "0.999", "100G 250G 500G"),
    _Series("EAGLE", "Platinum Eagle", Metal.PT, _COIN, "0.9995", _PARTS),
    _Series("MAPLE", "Platinum Maple Leaf", Metal.PT, _COIN, "0.9995", "1OZ"),
    _Series("BRITANNIA", "Platinum Britannia", Metal.PT, _COIN, "0.9995", "1OZ 1-10OZ"),
    _Series("BAR", "Platinum bar", Metal.PT, _BAR, "0.9995", "5G 1OZ 100G 10OZ"),
    _Series("MAPLE", "Palladium Maple Leaf", Metal.PD, _COIN, "0.9995", "1OZ"),
    _Series("BAR", "Palladium bar", Metal.PD, _BAR, "0.9995", "1OZ 100G 10OZ"),
    _Series("BAR", "Copper bar", Metal.CU, _BAR, "0.999", "1LB 5LB 1KG 5KG"),
    _Series("ROUND", "Copper round", Metal.CU, _ROUND, "0.999", "1OZ 2OZ 5OZ"),
)
#: What sells most has a larger stock, and deliveries of its own.
_REORDER_BELOW = {
    "AU-EAGLE-1OZ": 5, "AU-MAPLE-1OZ": 5, "AU-BAR-1OZ": 1, "AG-EAGLE-1OZ": 50, "AG-ROUND-1OZ": 50,
    "PT-EAGLE-1OZ": 3, "PD-BAR-1OZ": 3, "CU-BAR-1KG": 10,
}  # fmt: skip
_PLACES = (
    "MAIN-VAULT", "MAIN-SHOP", "HARBOUR-SHOP", "AIRPORT-SHOP", "DEPOT-WEST", "DEPOT-EAST",
)  # fmt: skip
#: What an ounce cost when the range was bought, how many units of a size came, and their premium
#: in percent.
_SPOTS = {Metal.AU: "3880", Metal.AG: "48.2", Metal.PT: "985", Metal.PD: "1180", Metal.CU: "0.31"}
_UNITS = {Metal.AU: 1, Metal.AG: 4, Metal.PT: 1, Metal.PD: 1, Metal.CU: 12}
_PREMIUM_PERCENT = {_COIN: 5, _ROUND: 4, _BAR: 3}


def list_products() -> Iterator[NewProduct]:
    """Return each series in each of its sizes."""
    for series in _SERIES:
        for size in series.sizes.split():
            name, ounces = _SIZES[size]
            is_bar = series.form is _BAR
            gross = ounces if is_bar else ounces / Decimal(series.fineness)
            tax_class = TaxClass.LEGAL_TENDER if series.form is _COIN else TaxClass.BULLION
            sku = f"{series.metal}-{series.code}-{size}"
            yield NewProduct(
                sku,
                f"{series.name}, {name}",
                series.metal,
                series.form,
                _decimals(gross),
                series.fineness,
                _decimals(ounces) if series.form is _COIN else None,
                _REORDER_BELOW.get(sku, 1),
                tax_class=TaxClass.COPPER if series.metal is Metal.CU else tax_class,
            )


def list_details(first_day: date) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Return the SKU and the details of each product; one series after the other is published."""
    series, place = "", 0
    for product in list_products():
        name = product.name.partition(",")[0]
        series, place = name, place + 1 if name == series else 0
        yield product.sku, product_texts.describe(product, place, first_day)


def first_deliveries(metals: Collection[Metal]) -> Iterator[NewReceipt]:
    """Return a delivery of each other product of these metals, to one place after the other."""
    others = (
        product
        for product in list_products()
        if product.metal in metals and product.sku not in _REORDER_BELOW
    )
    for product, place in zip(others, cycle(_PLACES)):
        spot, units = _SPOTS[product.metal], _UNITS[product.metal]
        ounces = Fraction(product.fine or product.gross) * units
        cents = ounces * Fraction(spot) * (100 + _PREMIUM_PERCENT[product.form])
        cost = Amount(USD, round_units(cents, Rounding.HALF_UP))
        yield NewReceipt(
            product.sku,
            place,
            str(units),
            str(cost),
            spot,
            "First Mint",
            f"FM-1070-{product.metal}",
        )


def _decimals(ounces: Decimal) -> str:
    return str(round(ounces, 4))
