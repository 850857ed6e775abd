"""Phone numbers, as people write them, in E.164."""

import re

import phonenumbers

from app.kit.errors import Invalid

#: Fewer digits are the end of too many numbers.
_END_MIN = 4
_NATIONAL_MIN = 8
_PHONE = re.compile(r"[0-9+() ./-]+", re.ASCII)


def normalize_phone(text: str | None, *, country: str | None = None) -> str | None:
    """Return the phone number in E.164, or None. Raises `Invalid` as `parse_phone` says."""
    phone = None if text is None else parse_phone(text, country=country)
    if text is not None and phone is None:
        raise Invalid("phone", "Enter a phone number with its country code, like +12025550123.")
    return phone


def parse_phone(text: str, *, country: str | None = None) -> str | None:
    """Return the phone number in E.164; None if the text is no phone number.

    One without a country code is a number in `country`, as it is dialled there.
    """
    # The library would read letters as the digits on their keys.
    if not _PHONE.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    has_code = text.lstrip().startswith("+")
    is_number = phonenumbers.is_possible_number if has_code else phonenumbers.is_valid_number
    if number.extension or not is_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parse_end(text: str) -> str | None:
    """Return the digits with which a phone number ends; None for any other text, or fewer than
    four. In a long one, zeros in front are dialled in place of the country code."""
    digits = "".join(filter(str.isdecimal, text)) if _PHONE.fullmatch(text) else ""
    if len(digits) >= _NATIONAL_MIN:
        digits = digits.lstrip("0")
    return digits if len(digits) >= _END_MIN else None
