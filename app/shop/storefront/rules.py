"""How customers narrow and sort products, as pure functions."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from app.catalog.products.rules import OUNCE, ProductForm
from app.catalog.rules import USD
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum
from app.kit.money import Amount

#: How many products are compared at a time.
COMPARED_MAX = 10
_HUNDRED = 100
_NO_END = 2**63 - 1
_CENT = Decimal("0.01")


class WeightBand(LabelledEnum):
    """Products by their fine weight, in troy ounces."""

    UNDER_1 = "under_1", "Under 1 oz"
    ONE = "1", "1 oz"
    TO_10 = "to_10", "Over 1 to 10 oz"
    TO_100 = "to_100", "Over 10 to 100 oz"
    OVER_100 = "over_100", "Over 100 oz"


class PriceBand(LabelledEnum):
    """Products by what one unit costs now, in US dollars."""

    UNDER_50 = "under_50", "Under 50 USD"
    TO_250 = "to_250", "50 to 250 USD"
    TO_1000 = "to_1000", "250 to 1,000 USD"
    TO_5000 = "to_5000", "1,000 to 5,000 USD"
    OVER_5000 = "over_5000", "5,000 USD and over"


class ProductSort(LabelledEnum):
    """The order of products."""

    SHOP = "shop", "As the shop orders them"
    """A search puts products with just these words first."""
    NEWEST = "newest", "Newest first"
    POPULARITY = "popularity", "Most bought first"
    """By how many people bought it in the last 90 days, counted at night."""
    WEIGHT = "weight", "Lightest first"
    HEAVIEST = "heaviest", "Heaviest first"
    PRICE = "price", "Cheapest first"
    """What has no price comes last. Prices move, so a later page may repeat a product."""
    DEAREST = "dearest", "Dearest first"
    """What has no price comes last."""


#: The upper ends of bands in ounces. An ounce of silver of .999 is .999 ounces fine.
BAND_ENDS = (
    (Decimal("0.995"), WeightBand.UNDER_1),
    (Decimal("1.005"), WeightBand.ONE),
    (Decimal("10.05"), WeightBand.TO_10),
    (Decimal("100.5"), WeightBand.TO_100),
)

DESCENDING_SORTS = frozenset({ProductSort.NEWEST, ProductSort.POPULARITY, ProductSort.HEAVIEST})
#: The orders for which every price is read.
PRICE_SORTS = frozenset({ProductSort.PRICE, ProductSort.DEAREST})
#: The upper ends of bands of prices in US dollars, which are in the next band.
PRICE_ENDS = (
    (50, PriceBand.UNDER_50),
    (250, PriceBand.TO_250),
    (1_000, PriceBand.TO_1000),
    (5_000, PriceBand.TO_5000),
)


def weights_in(band: WeightBand) -> tuple[int, int]:
    """Return the least weight of a band, and the least above it, in 10^-8 troy ounces."""
    ends = [(int(end * OUNCE), each) for end, each in BAND_ENDS]
    return _bounds([*ends, (_NO_END, WeightBand.OVER_100)], band)


def prices_in(band: PriceBand) -> tuple[int, int]:
    """Return the least price of a band, and the least above it, in cents."""
    ends = [(end * USD.unit, each) for end, each in PRICE_ENDS]
    return _bounds([*ends, (_NO_END, PriceBand.OVER_5000)], band)


def _bounds(ends: Sequence[tuple[int, LabelledEnum]], band: LabelledEnum) -> tuple[int, int]:
    place = [each for _, each in ends].index(band)
    least = ends[place - 1][0] if place else 0
    return least, ends[place][0]


def form_of(category: str) -> ProductForm | None:
    """Return the form that a category names, in any case, also in the plural: `BARS`, `coin`; None
    for the slug of a category."""
    name = category.lower()
    return ProductForm.with_value(name) or ProductForm.with_value(name.removesuffix("s"))


def parse_skus(text: str) -> list[str]:
    """Return the SKUs of a text that commas separate. Raises `Invalid` naming `skus`."""
    skus = list(dict.fromkeys(sku.strip().upper() for sku in text.split(",") if sku.strip()))
    if not 1 <= len(skus) <= COMPARED_MAX:
        raise Invalid("skus", f"Send 1 to {COMPARED_MAX} SKUs, separated by commas.")
    return skus


def price_per_fine_ounce(price: Amount, fine_weight: Amount) -> Decimal:
    """Return what an ounce of fine metal costs in a product, in US dollars, rounded to the cent,
    halves up."""
    dollars = Decimal(price.units) / price.asset.unit
    ounces = Decimal(fine_weight.units) / fine_weight.asset.unit
    return (dollars / ounces).quantize(_CENT, ROUND_HALF_UP)


def premium_percent(price: Amount, accounted: Amount, ask: Decimal) -> Decimal:
    """Return by how many percent a product costs more than the metal by which it is accounted, at
    the ask, rounded to the hundredth, halves up."""
    metal = ask * accounted.units / accounted.asset.unit
    dollars = Decimal(price.units) / price.asset.unit
    return ((dollars / metal - 1) * _HUNDRED).quantize(_CENT, ROUND_HALF_UP)
