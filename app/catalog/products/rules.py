"""What a product's SKU, name and weights must be, and in which ounces it is accounted."""

import re
from datetime import date
from decimal import Decimal
from unicodedata import normalize

from app.catalog.rules import SYNTHETIC, Metal
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount, InvalidAmount

#: The form of a commodity in Beancount, so that exported journals can name it.
_SKU = re.compile(r"[A-Z][A-Z0-9-]{1,22}[A-Z0-9]", re.ASCII)
_FINENESS = re.compile(r"0?\.[0-9]{3,5}", re.ASCII)
_NAME_LENGTH_MAX = 100
#: By how much a declared fine weight may differ from gross weight by fineness.
_DECLARED_TOLERANCE = Decimal("0.002")
#: Troy ounces are kept with 8 decimals.
OUNCE = SYNTHETIC[Metal.AU].unit


class ProductForm(LabelledEnum):
    """What a product is."""

    COIN = "coin", "Coin"
    ROUND = "round", "Round"
    BAR = "bar", "Bar"
    SHEET = "sheet", "Sheet"
    COIL = "coil", "Coil"


class WeightBasis(LabelledEnum):
    """How the fine weight of a product is known."""

    DECLARED = "declared", "Declared by the mint"
    MEASURED = "measured", "Gross weight by fineness"


class Publication(StatusEnum):
    """Whether customers see a product. Nothing is stored: it depends on the day."""

    DRAFT = "draft", "Not published", Mark.ENDED
    UPCOMING = "upcoming", "Published later", Mark.WAITING
    PUBLISHED = "published", "Published", Mark.DONE
    ENDED = "ended", "No longer published", Mark.STOPPED

    @classmethod
    def on(cls, day: date, first: date | None, last: date | None) -> "Publication":
        """Return what it is on a day, by the first and the last day of publication."""
        if first is None:
            return cls.DRAFT
        if day < first:
            return cls.UPCOMING
        return cls.PUBLISHED if last is None or day <= last else cls.ENDED


def clean_sku(text: str) -> str:
    """Return the SKU in capital letters. Raises `Invalid` for another form."""
    sku = text.strip().upper()
    if not _SKU.fullmatch(sku):
        raise Invalid(
            "sku",
            "Enter a SKU of 3 to 24 capital letters, digits and hyphens, like AU-EAGLE-1OZ.",
        )
    return sku


def clean_name(text: str) -> str:
    """Return the name without blanks around it. Raises `Invalid` unless it is 1 to 100 printable
    characters."""
    name = normalize("NFC", text).strip()
    if not 0 < len(name) <= _NAME_LENGTH_MAX or not name.isprintable():
        raise Invalid("name", f"Enter a name (1 to {_NAME_LENGTH_MAX} characters).")
    return name


def parse_fineness(text: str) -> Decimal:
    """Return the fineness. Raises `Invalid` unless it is a share of 3 to 5 decimals."""
    if not _FINENESS.fullmatch(text) or not Decimal(text):
        raise Invalid("fineness", "Enter the share of fine metal, like 0.9167 or 0.9999.")
    return Decimal(text)


def parse_ounces(field: str, text: str) -> int:
    """Return a weight in 10^-8 troy ounces. Raises `Invalid` naming the field."""
    try:
        return Amount.parse(SYNTHETIC[Metal.AU], text).units
    except InvalidAmount as error:
        raise Invalid(field, "Enter a weight in troy ounces, like 1.0909.") from error


def fine_units(gross_units: int, fineness: Decimal, declared_units: int | None) -> int:
    """Return the fine weight: the declared one, else gross weight by fineness, rounded down.

    Raises `Invalid` if the declared one contradicts gross weight and fineness.
    """
    computed = gross_units * fineness
    if declared_units is None:
        return int(computed)
    if abs(declared_units - computed) > computed * _DECLARED_TOLERANCE:
        raise Invalid(
            "fine",
            f"Gross weight by fineness is {computed / OUNCE:.4f} troy ounces. Correct one of the"
            " three.",
        )
    return declared_units


def check_serials(form: ProductForm, *, is_serialized: bool) -> None:
    """Raise `Invalid` unless only bars have serial numbers."""
    if is_serialized and form is not ProductForm.BAR:
        raise Invalid("is_serialized", "Only bars have serial numbers. Choose the form Bar.")


def default_slug(sku: str) -> str:
    """Return the slug of a product for which staff have not chosen one."""
    return "-".join(part for part in sku.lower().split("-") if part)


#: The metals that are accounted by their gross ounces.
GROSS_METALS = frozenset({Metal.AG, Metal.PT, Metal.PD})


def accounted_units(metal: Metal, gross_units: int, fine: int) -> int:
    """Return the ounces by which a unit is accounted: fine ones for gold, gross ones for silver,
    platinum and palladium, as the market does it; fine ones for copper."""
    return gross_units if metal in GROSS_METALS else fine
