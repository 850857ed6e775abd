"""What an e-mail address, a name, a phone number and a password must be; how long to lock out."""

from dataclasses import dataclass
from unicodedata import category, normalize

import email_validator
import phonenumbers
from zxcvbn import zxcvbn

from app.kit.errors import Invalid

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128
#: zxcvbn's 3 of 4: more than 100 million guesses. Logging in allows five each quarter of an hour.
STRENGTH_MIN = 3
_ESTIMATED_LENGTH_MAX = 48
NAME_LENGTH_MAX = 100
HOUSE = "pbcex"
LOCKOUT_SECONDS_FIRST = 60
LOCKOUT_SECONDS_MAX = 900

# Addresses of sample people and of tests; a real person has to confirm theirs anyway.
email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = [
    name for name in email_validator.SPECIAL_USE_DOMAIN_NAMES if name not in {"local", "test"}
]


@dataclass(frozen=True, slots=True)
class Registration:
    """A person about to be added, checked and with their password hashed."""

    email: str
    email_key: str
    first_name: str
    last_name: str
    phone: str | None
    password_hash: str


def email_key(email: str) -> str:
    """The same text for every spelling of one address: NFC, domain decoded, casefolded.

    Raises `Invalid` unless it is an address.
    """
    try:
        parsed = email_validator.validate_email(email, check_deliverability=False)
    except (email_validator.EmailNotValidError, UnicodeError):
        raise Invalid("email", "Enter an email address, like name@example.com.") from None
    return normalize("NFC", parsed.normalized.casefold())


def name(field: str, text: str) -> str:
    """A person's name, NFC, without blanks around it.

    Raises `Invalid` if it is empty, longer than 100 characters, or holds control characters.
    """
    cleaned = normalize("NFC", text).strip()
    if not 0 < len(cleaned) <= NAME_LENGTH_MAX:
        raise Invalid(field, f"Enter 1 to {NAME_LENGTH_MAX} characters.")
    if not _is_printable(cleaned):
        raise Invalid(field, "Remove the control characters.")
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
        raise Invalid("phone", "Enter a phone number with its country code, like +12025550123.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def known_texts(email: str, first_name: str, last_name: str) -> list[str]:
    """What others know of a person: their password must not be made of it."""
    local, _, domain = email.partition("@")
    names = [first_name, last_name, f"{first_name} {last_name}"]
    return [text for text in (email, local, domain, *names, HOUSE) if text]


def check_new_password(field: str, password: str, *, known: list[str]) -> None:
    """Raises `Invalid`, saying why, unless it has 10 to 128 characters and is hard to guess.

    Everything that can be typed is allowed; no mixture of kinds of characters is demanded. How hard
    it is, zxcvbn estimates: it knows common passwords, words, names, keyboards and dates, and what
    is `known` of the person.
    """
    normal = normalize("NFKC", password)
    if not PASSWORD_LENGTH_MIN <= len(normal) <= PASSWORD_LENGTH_MAX:
        raise Invalid(field, f"Enter {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters.")
    if not _is_printable(normal):
        raise Invalid(field, "Remove the control characters.")
    if reasons := _weaknesses(normal, known):
        raise Invalid(field, f"Choose a password that is harder to guess. {reasons}")


def lockout_seconds(failures: int, *, allowed: int) -> int:
    """How long to refuse further attempts after so many failures: 0 below `allowed`, then
    a minute, doubling with every further failure up to a quarter of an hour."""
    if failures < allowed:
        return 0
    doublings = min(failures - allowed, 4)
    return min(LOCKOUT_SECONDS_FIRST << doublings, LOCKOUT_SECONDS_MAX)


def _weaknesses(password: str, known: list[str]) -> str:
    """Why the password is easy to guess, and what would help; empty when it is not."""
    # Its time grows faster than the length, and the rest cannot make it weaker.
    start = password[:_ESTIMATED_LENGTH_MAX]
    told = {normalize("NFKC", text).casefold() for text in known}
    if start.casefold() in told:
        return "It is your name or e-mail address."
    found = zxcvbn(start, user_inputs=sorted(told))
    if found["score"] >= STRENGTH_MIN:
        return ""
    feedback = found["feedback"]
    reasons = [
        feedback["warning"].rstrip("."),
        *(each.rstrip(".") for each in feedback["suggestions"]),
    ]
    return " ".join(f"{reason}." for reason in reasons if reason) or "Make it longer."


def _is_printable(text: str) -> bool:
    return not any(category(character) in {"Cc", "Cs"} for character in text)
