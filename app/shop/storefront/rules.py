"""How customers narrow and sort products, as pure functions."""

from decimal import Decimal

from app.catalog.products.rules import ProductForm
from app.kit.labels import LabelledEnum


class WeightBand(LabelledEnum):
    """Products by their fine weight, in troy ounces."""

    UNDER_1 = "under_1", "Under 1 oz"
    ONE = "1", "1 oz"
    TO_10 = "to_10", "Over 1 to 10 oz"
    TO_100 = "to_100", "Over 10 to 100 oz"
    OVER_100 = "over_100", "Over 100 oz"


class ProductSort(LabelledEnum):
    """The order of products."""

    SHOP = "shop", "As the shop orders them"
    """A search puts products with just these words first."""
    NEWEST = "newest", "Newest first"
    WEIGHT = "weight", "Lightest first"
    HEAVIEST = "heaviest", "Heaviest first"


#: The upper ends of bands in ounces. An ounce of silver of .999 is .999 ounces fine.
BAND_ENDS = (
    (Decimal("0.995"), WeightBand.UNDER_1),
    (Decimal("1.005"), WeightBand.ONE),
    (Decimal("10.05"), WeightBand.TO_10),
    (Decimal("100.5"), WeightBand.TO_100),
)


def form_of(category: str) -> ProductForm | None:
    """Return the form that a category names, in any case, also in the plural: `BARS`, `coin`; None
    for the slug of a category."""
    name = category.lower()
    return ProductForm.with_value(name) or ProductForm.with_value(name.removesuffix("s"))
