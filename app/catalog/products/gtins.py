"""GTINs: the numbers under the barcodes of products."""

import re

from app.kit.errors import Invalid

_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}", re.ASCII)
_LENGTH = 14


def clean_gtin(text: str) -> str:
    """Return the GTIN in 14 digits, as GS1 compares them: a UPC and an EAN of the same number are
    equal. Raises `Invalid` for another form, and if the check digit contradicts the others."""
    digits = text.replace(" ", "").replace("-", "")
    if not _GTIN.fullmatch(digits):
        raise Invalid("gtin", "Enter the 8, 12, 13 or 14 digits under the barcode.")
    digits = digits.zfill(_LENGTH)
    if int(digits[-1]) != check_digit(digits[:-1]):
        raise Invalid("gtin", "Check the number: its last digit does not fit the others.")
    return digits


def check_digit(digits: str) -> int:
    """Return the last digit of a GTIN, of its other digits."""
    weighted = sum(int(digit) * (3, 1)[i % 2] for i, digit in enumerate(reversed(digits)))
    return -weighted % 10
