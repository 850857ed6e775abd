"""Texts and numbers that several parts of the vault take."""

from unicodedata import normalize

from app.kit.errors import Invalid

_TEXT_LENGTH_MAX = 100
_UNITS_MAX = 1_000_000


def clean_text(field: str, text: str) -> str:
    """Return the text without blanks around it. Raises `Invalid` naming the field unless it is 1 to
    100 printable characters."""
    cleaned = normalize("NFC", text).strip()
    if not 0 < len(cleaned) <= _TEXT_LENGTH_MAX or not cleaned.isprintable():
        raise Invalid(field, f"Enter 1 to {_TEXT_LENGTH_MAX} characters.")
    return cleaned


def parse_units(field: str, text: str, *, least: int = 1) -> int:
    """Return a number of units. Raises `Invalid` naming the field unless it is `least` to
    1,000,000."""
    is_number = text.isdecimal() and text.isascii() and len(text) <= len(str(_UNITS_MAX))
    if not is_number or not least <= int(text) <= _UNITS_MAX:
        raise Invalid(field, f"Enter a whole number from {least} to {_UNITS_MAX:,}.")
    return int(text)
