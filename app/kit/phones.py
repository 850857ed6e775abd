"""Phone numbers, as people write them, in E.164."""

import re

import phonenumbers

from app.kit.errors import Invalid

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
