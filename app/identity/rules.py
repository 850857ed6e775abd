"""What an e-mail address, a name, a phone number and a password must be; how long to lock out."""

from unicodedata import category, normalize

import email_validator
import phonenumbers

from app.kit.errors import Invalid

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128
NAME_LENGTH_MAX = 100
LOCKOUT_SECONDS_FIRST = 60
LOCKOUT_SECONDS_MAX = 900

# Addresses of sample people and of tests; a real person has to confirm theirs anyway.
email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = [
    name for name in email_validator.SPECIAL_USE_DOMAIN_NAMES if name not in {"local", "test"}
]


def email_key(email: str) -> str:
    """The same text for every spelling of one address: NFC, domain decoded, casefolded.

    Raises `Invalid` unless it is an address.
    """
    try:
        parsed = email_validator.validate_email(email, check_deliverability=False)
    except (email_validator.EmailNotValidError, UnicodeError):
        raise Invalid("email", 'must be an e-mail address such as "ada@example.com"') from None
    return normalize("NFC", parsed.normalized.casefold())


def name(field: str, text: str) -> str:
    """A person's name, NFC, without blanks around it.

    Raises `Invalid` if it is empty, longer than 100 characters, or holds control characters.
    """
    cleaned = normalize("NFC", text).strip()
    if not 0 < len(cleaned) <= NAME_LENGTH_MAX:
        raise Invalid(field, f"must have 1 to {NAME_LENGTH_MAX} characters")
    if not _is_printable(cleaned):
        raise Invalid(field, "must not contain control characters")
    return cleaned


def phone(text: str | None) -> str | None:
    """A phone number in E.164, or None for none. Raises `Invalid` unless it is international."""
    if text is None:
        return None
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or number.extension or not phonenumbers.is_possible_number(number):
        raise Invalid("phone", 'must be an international number such as "+12025550123"')
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def check_new_password(field: str, password: str, *, known: list[str]) -> None:
    """Raises `Invalid` unless it has 10 to 128 characters and is none of the `known` texts.

    Everything that can be typed is allowed; no mixture of kinds of characters is demanded.
    """
    normal = normalize("NFKC", password)
    if not PASSWORD_LENGTH_MIN <= len(normal) <= PASSWORD_LENGTH_MAX:
        raise Invalid(field, f"must have {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters")
    if not _is_printable(normal):
        raise Invalid(field, "must not contain control characters")
    if normal.casefold() in {normalize("NFKC", text).casefold() for text in known}:
        raise Invalid(field, "must not be your name or e-mail address")


def lockout_seconds(failures: int, *, allowed: int) -> int:
    """How long to refuse further attempts after so many failures: 0 below `allowed`, then
    a minute, doubling with every further failure up to a quarter of an hour."""
    if failures < allowed:
        return 0
    doublings = min(failures - allowed, 4)
    return min(LOCKOUT_SECONDS_FIRST << doublings, LOCKOUT_SECONDS_MAX)


def _is_printable(text: str) -> bool:
    return not any(category(character) in {"Cc", "Cs"} for character in text)
