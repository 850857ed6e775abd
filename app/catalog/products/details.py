"""What can change about a product: its texts, how it is sold, and when it is published.

Each detail is entered as a text, on a page or in a file, and written back as the same text.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from unicodedata import normalize

from babel.numbers import list_currencies

from app.catalog.products import rules
from app.catalog.products.gtins import clean_gtin
from app.catalog.tax_classes import TaxClass
from app.kit.errors import Invalid
from app.kit.us_states import parse_us_states

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)
SLUG_LENGTH_MAX = 80
_LINE_LENGTH_MAX = 60
SHORT_TEXT_LENGTH_MAX = 300
LONG_TEXT_LENGTH_MAX = 5_000
_CENT = Decimal("0.01")
_MILLIMETRES_MAX = 10_000
_FACE_VALUE_MAX = 1_000_000
_YEARS = (1, 2100)
_AGES = (1, 120)
_ORDER_MAX = 1_000_000
_YES, _NO = "yes", "no"


def _clean_line(field: str, text: str, length_max: int = _LINE_LENGTH_MAX) -> str:
    line = normalize("NFC", text).strip()
    if len(line) > length_max or not line.isprintable():
        raise Invalid(field, f"Enter at most {length_max} characters in one line.")
    return line


def _clean_long_text(text: str) -> str:
    lines = normalize("NFC", text.replace("\r\n", "\n")).strip()
    if len(lines) > LONG_TEXT_LENGTH_MAX or not lines.replace("\n", "").isprintable():
        raise Invalid("long_text", f"Enter at most {LONG_TEXT_LENGTH_MAX:,} printable characters.")
    return lines


def _clean_slug(field: str, text: str) -> str:
    slug = text.strip().lower()
    if not _SLUG.fullmatch(slug) or len(slug) > SLUG_LENGTH_MAX:
        raise Invalid(
            field,
            f"Enter small letters, digits and single hyphens (at most {SLUG_LENGTH_MAX}), like"
            " gold-eagle-1-oz.",
        )
    return slug


def _parse_whole(field: str, text: str, least: int, most: int) -> int:
    if not _DIGITS.fullmatch(text) or not least <= int(text) <= most:
        raise Invalid(field, f"Enter a whole number from {least:,} to {most:,}.")
    return int(text)


def _parse_decimal(field: str, text: str, most: int) -> Decimal:
    try:
        value = Decimal(text) if _DECIMAL.fullmatch(text) else Decimal(0)
    except InvalidOperation:
        value = Decimal(0)
    if not 0 < value <= most:
        raise Invalid(field, f"Enter a number above 0 and up to {most:,}, like 32.70.")
    return value.quantize(_CENT)


def _parse_day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(field, "Enter a date, like 2026-11-28.") from None


def _parse_yes(field: str, text: str) -> bool:
    if text.lower() not in {"", _NO, _YES}:
        raise Invalid(field, f"Enter {_YES} or {_NO}.")
    return text.lower() == _YES


def _parse_currency(text: str) -> str:
    code = text.upper()
    if code not in list_currencies():
        raise Invalid("face_currency", "Enter a currency code of three letters, like USD.")
    return code


def _parse_tax_class(text: str) -> TaxClass:
    tax_class = TaxClass.with_value(text)
    if tax_class is None:
        values = ", ".join(TaxClass)
        raise Invalid("tax_class", f"Enter one of these tax classes: {values}.")
    return tax_class


#: How each detail that must have a value is read from a text.
REQUIRED: Mapping[str, Callable[[str], object]] = {
    "name": rules.clean_name,
    "slug": lambda text: _clean_slug("slug", text),
    "tax_class": _parse_tax_class,
    "display_order": lambda text: _parse_whole("display_order", text, 0, _ORDER_MAX),
    "reorder_below": lambda text: _parse_whole("reorder_below", text, 0, _ORDER_MAX),
}
#: Those of which an empty text is a value.
_TEXTS: Mapping[str, Callable[[str], object]] = {
    "short_text": lambda text: _clean_line("short_text", text, SHORT_TEXT_LENGTH_MAX),
    "long_text": _clean_long_text,
    "is_legal_tender": lambda text: _parse_yes("is_legal_tender", text),
    "restricted_states": lambda text: parse_us_states("restricted_states", text),
}
#: Those that a product may lack.
_OPTIONAL: Mapping[str, Callable[[str], object]] = {
    "category": lambda text: _clean_slug("category", text),
    "variant_group": lambda text: _clean_slug("variant_group", text),
    "mint": lambda text: _clean_line("mint", text),
    "year": lambda text: _parse_whole("year", text, *_YEARS),
    "face_value": lambda text: _parse_decimal("face_value", text, _FACE_VALUE_MAX),
    "face_currency": _parse_currency,
    "gtin": clean_gtin,
    "width_mm": lambda text: _parse_decimal("width_mm", text, _MILLIMETRES_MAX),
    "height_mm": lambda text: _parse_decimal("height_mm", text, _MILLIMETRES_MAX),
    "thickness_mm": lambda text: _parse_decimal("thickness_mm", text, _MILLIMETRES_MAX),
    "age_min": lambda text: _parse_whole("age_min", text, *_AGES),
    "published_from": lambda text: _parse_day("published_from", text),
    "published_until": lambda text: _parse_day("published_until", text),
}
#: The names of all details: those of the columns of `products`, and the slug of the category.
NAMES = (*REQUIRED, *_TEXTS, *_OPTIONAL)


def parse(name: str, text: str) -> object:
    """Return the value of a detail; None for an empty text of one that a product may lack.

    Raises `Invalid` naming the detail.
    """
    text = text.strip()
    if name in _OPTIONAL:
        return _OPTIONAL[name](text) if text else None
    return (REQUIRED.get(name) or _TEXTS[name])(text)


def write(value: object) -> str:
    """Return the text of a value, which `parse` reads."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _YES if value else ""
    if isinstance(value, tuple | list):
        return ", ".join(value)
    return str(value)


def check_together(values: Mapping[str, object]) -> None:
    """Check the details that depend on each other. Raises `Invalid` naming the field."""
    if (values["face_value"] is None) is not (values["face_currency"] is None):
        field = "face_value" if values["face_value"] is None else "face_currency"
        raise Invalid(field, "Enter the face value together with its currency.")
    first, last = values["published_from"], values["published_until"]
    if isinstance(last, date) and (not isinstance(first, date) or last < first):
        raise Invalid("published_until", "Enter a last day that is not before the first day.")
