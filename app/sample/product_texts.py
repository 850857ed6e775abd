"""What customers of the sample read about the range: categories, mints, texts and face values."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import PRICED_NAMES, Metal

_US, _CANADA, _PERTH = "United States Mint", "Royal Canadian Mint", "Perth Mint"
_UK, _AUSTRIA, _SOUTH_AFRICA = "Royal Mint", "Austrian Mint", "South African Mint"
_CHINA, _FIRST, _NORTHERN = "China Gold Coin", "First Mint", "Northern Refiners"
_GRAMS_PER_OUNCE = Decimal("31.1034768")


class _Text(NamedTuple):
    """What a series says. `face_values` are in the order of its sizes, with their currency."""

    mint: str
    short: str
    long: str
    face_values: str = ""


_EAGLE = "The bullion coin of the United States, with Liberty on the front."
_MAPLE = "The bullion coin of Canada, with the leaf of the sugar maple."
_BRITANNIA = "The bullion coin of the United Kingdom, with Britannia and her trident."
_CAST = "Every bar carries the mark of its refiner, its weight and its fineness."
#: By metal and code of the series.
_TEXTS = {
    "AU-EAGLE": _Text(
        _US,
        "22-carat gold coin of the United States",
        f"{_EAGLE} Struck since 1986 in 22-carat gold, which is hard enough to be handled.",
        "USD 50 25 10 5",
    ),
    "AU-MAPLE": _Text(
        _CANADA,
        "Pure gold coin of Canada",
        f"{_MAPLE} Struck since 1979, today in gold of 999.9 with a mark against forgery.",
        "CAD 50 20 10 5",
    ),
    "AU-KRUGERRAND": _Text(
        _SOUTH_AFRICA,
        "The first bullion coin, from South Africa",
        "Struck since 1967 in 22-carat gold, with a springbok. It has no face value.",
    ),
    "AU-BRITANNIA": _Text(
        _UK, "Pure gold coin of the United Kingdom", f"{_BRITANNIA} Gold since 1987.",
        "GBP 100 50 25 10",
    ),
    "AU-PHILHARMONIC": _Text(
        _AUSTRIA,
        "Pure gold coin of Austria",
        "The bullion coin of Austria, with the organ of the Golden Hall in Vienna.",
        "EUR 100 50 25 10",
    ),
    "AU-KANGAROO": _Text(
        _PERTH,
        "Pure gold coin of Australia",
        "The bullion coin of Australia, once called Nugget. Its kangaroo changes every year.",
        "AUD 100 50 25 15",
    ),
    "AU-LUNAR": _Text(
        _PERTH,
        "Gold coin of the Chinese calendar",
        "A series of twelve animals, one for each year of the Chinese calendar.",
    ),
    "AU-BUFFALO": _Text(
        _US,
        "Pure gold coin of the United States",
        "Struck since 2006 in gold of 999.9, after the nickel of 1913.",
        "USD 50",
    ),
    "AU-PANDA": _Text(
        _CHINA,
        "Gold coin of China, in whole grams",
        "The bullion coin of China. Its panda changes every year.",
        "CNY 10 50 100 200 500",
    ),
    "AU-BAR": _Text(_NORTHERN, "Minted gold bar in its card", f"A minted bar of 999.9. {_CAST}"),
    "AU-MINTED": _Text(_NORTHERN, "Numbered gold bar", f"A numbered bar of 999.9. {_CAST}"),
    "AG-EAGLE": _Text(
        _US, "The silver dollar of today", f"{_EAGLE} Struck since 1986 in silver of 999.", "USD 1"
    ),
    "AG-MAPLE": _Text(
        _CANADA, "Silver coin of Canada, of 999.9", f"{_MAPLE} Silver since 1988.", "CAD 5"
    ),
    "AG-KRUGERRAND": _Text(
        _SOUTH_AFRICA, "The springbok in silver", "Silver since 2017, with a springbok.", "ZAR 1"
    ),
    "AG-BRITANNIA": _Text(
        _UK, "Silver coin of the United Kingdom", f"{_BRITANNIA} Silver since 1997.", "GBP 2 5 10"
    ),
    "AG-PHILHARMONIC": _Text(
        _AUSTRIA,
        "Silver coin of Austria",
        "The instruments of the Vienna Philharmonic on a silver coin, struck since 2008.",
        "EUR 1.50",
    ),
    "AG-LUNAR": _Text(
        _PERTH,
        "Silver coin of the Chinese calendar",
        "A series of twelve animals, one for each year of the Chinese calendar.",
    ),
    "AG-ROUND": _Text(
        _FIRST, "Silver round without a face value", "A round of our own design, struck in silver."
    ),
    "AG-BAR": _Text(_NORTHERN, "Minted silver bar", f"A minted bar of 999 silver. {_CAST}"),
    "AG-CAST": _Text(
        _NORTHERN, "Silver bar, cast by hand", f"Poured into its mould: no two look alike. {_CAST}"
    ),
    "PT-EAGLE": _Text(
        _US, "Platinum coin of the United States", f"{_EAGLE} Platinum since 1997.",
        "USD 100 50 25 10",
    ),
    "PT-MAPLE": _Text(
        _CANADA, "Platinum coin of Canada", f"{_MAPLE} Platinum since 1988.", "CAD 50"
    ),
    "PT-BRITANNIA": _Text(
        _UK, "Platinum coin of the United Kingdom", f"{_BRITANNIA} Platinum since 2018.",
        "GBP 100 10",
    ),
    "PT-BAR": _Text(_NORTHERN, "Minted platinum bar", f"A minted bar of 999.5. {_CAST}"),
    "PD-MAPLE": _Text(
        _CANADA, "Palladium coin of Canada", f"{_MAPLE} Palladium since 2005.", "CAD 50"
    ),
    "PD-BAR": _Text(_NORTHERN, "Minted palladium bar", f"A minted bar of 999.5. {_CAST}"),
    "CU-BAR": _Text(_FIRST, "Copper bar", f"A bar of 999 copper, for collectors. {_CAST}"),
    "CU-ROUND": _Text(_FIRST, "Copper round", "A round of 999 copper, for collectors."),
}  # fmt: skip
#: The order of the metals, in the tree and in the shop.
_ORDER = {metal: place for place, metal in enumerate(Metal, 1)}
_FORMS = {ProductForm.COIN: "coins", ProductForm.BAR: "bars", ProductForm.ROUND: "rounds"}
_WITHOUT_COINS, _WITH_ROUNDS = {Metal.CU}, {Metal.AG, Metal.CU}
SYNONYMS = (
    ("nugget", "kangaroo"), ("vienna", "philharmonic"), ("springbok", "krugerrand"),
    ("unze", "oz"), ("silver dollar", "silver eagle"), ("zodiac", "lunar"),
)  # fmt: skip


class SampleCategory(NamedTuple):
    """A category of the sample, below another one or at the top."""

    slug: str
    name: str
    parent: str | None
    display_order: int


def list_categories() -> Iterator[SampleCategory]:
    """Return a category for each metal, with one for each form that it comes in below it."""
    for metal, place in _ORDER.items():
        name = PRICED_NAMES[metal]
        yield SampleCategory(name, name.capitalize(), None, place)
        for below, form in enumerate(_FORMS, 1):
            if form is ProductForm.COIN and metal in _WITHOUT_COINS:
                continue
            if form is ProductForm.ROUND and metal not in _WITH_ROUNDS:
                continue
            forms = _FORMS[form]
            yield SampleCategory(f"{name}-{forms}", f"{name.capitalize()} {forms}", name, below)


def describe(product: NewProduct, place: int, first_day: date) -> Mapping[str, str]:
    """Return the details of a product of the range. `place` is that of its size in its series."""
    series = "-".join(product.sku.split("-")[:2])
    text, metal = _TEXTS[series], PRICED_NAMES[product.metal]
    size = product.name.rpartition(", ")[2]
    grams = Decimal(product.fine or product.gross) * _GRAMS_PER_OUNCE
    weight = "" if size.endswith(" g") else f" ({grams:,.2f} g)"
    of_what = f"of fine {metal}" if product.form is ProductForm.COIN else f"of {metal}"
    contents = f"Each contains {size}{weight} {of_what}."
    if product.is_serialized:
        contents = f"About {size}{weight} {of_what}. Each bar has a number and a weight of its own."
    currency, *face_values = text.face_values.split() or [""]
    number = list(_TEXTS).index(series)
    return {
        "slug": f"{product.name.partition(', ')[0].lower().replace(' ', '-')}-{_slug(size)}",
        "category": f"{metal}-{_FORMS[product.form]}",
        "mint": text.mint,
        "short_text": f"{text.short}, {size}",
        "long_text": f"{text.long}\n\n{contents}",
        "variant_group": product.name.partition(", ")[0].lower().replace(" ", "-"),
        "is_legal_tender": "yes" if product.form is ProductForm.COIN else "",
        "face_value": face_values[place] if face_values else "",
        "face_currency": currency,
        "display_order": str(_ORDER[product.metal] * 1_000 + number * 10 + place),
        "published_from": (first_day + timedelta(days=number)).isoformat(),
    }


def _slug(size: str) -> str:
    return size.replace(",", "").replace("/", "-").replace(" ", "-")
