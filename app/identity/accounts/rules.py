"""The status of an account, and what an email address, a name and a phone number must be."""

import re
from dataclasses import dataclass
from unicodedata import category, normalize

import email_validator
import phonenumbers

from app.kit.errors import Invalid
from app.kit.labels import Mark, StatusEnum

NAME_LENGTH_MAX = 100
_PHONE = re.compile(r"[0-9+() ./-]+", re.ASCII)

# Domains of sample people and of tests. A real person has to confirm their address anyway.
email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = [
    clean_name
    for clean_name in email_validator.SPECIAL_USE_DOMAIN_NAMES
    if clean_name not in {"local", "test"}
]


class AccountStatus(StatusEnum):
    """Whether a person may use their account."""

    ACTIVE = "active", "Active", Mark.DONE
    SUSPENDED = "suspended", "Suspended", Mark.STOPPED
    """The person can neither sign in nor move money."""
    ERASED = "erased", "Erased", Mark.ENDED
    """Every room removed who the person is."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A checked registration with the password hashed."""

    email: str
    email_key: str
    first_name: str
    last_name: str
    phone: str | None
    password_hash: str


def normalize_email(email: str) -> str:
    """Return the same text for every spelling of an email address: NFC, domain decoded, casefolded.

    Raises `Invalid` unless it is an email address.
    """
    try:
        parsed = email_validator.validate_email(email, check_deliverability=False)
    except (email_validator.EmailNotValidError, UnicodeError):
        raise Invalid("email", "Enter an email address, like name@example.com.") from None
    return normalize("NFC", parsed.normalized.casefold())


def clean_name(field: str, text: str) -> str:
    """Return the name in NFC without surrounding blanks.

    Raises `Invalid` if it is empty, longer than 100 characters, or has control characters.
    """
    cleaned = normalize("NFC", text).strip()
    if not 0 < len(cleaned) <= NAME_LENGTH_MAX:
        raise Invalid(field, f"Enter 1 to {NAME_LENGTH_MAX} characters.")
    if not is_printable(cleaned):
        raise Invalid(field, "Remove the control characters.")
    return cleaned


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


def is_printable(text: str) -> bool:
    """Return whether the text has neither control characters nor lone surrogates."""
    return not any(category(character) in {"Cc", "Cs"} for character in text)
