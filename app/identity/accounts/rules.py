"""The status of an account, and what an email address must be."""

from dataclasses import dataclass
from unicodedata import normalize

import email_validator

from app.kit.errors import Invalid
from app.kit.labels import Mark, StatusEnum

# Domains of sample people and of tests. A real person has to confirm their address anyway.
email_validator.SPECIAL_USE_DOMAIN_NAMES[:] = [
    clean_name
    for clean_name in email_validator.SPECIAL_USE_DOMAIN_NAMES
    if clean_name not in {"local", "test"}
]

#: In place of the hash of a password: of a person who buys as a guest.
GUEST_PASSWORD = "guest, and no password chosen"  # noqa: S105 - a marker, no secret


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
    """Return the same text for every spelling of an email address: NFC, domain decoded, lower case.

    Not casefolded: `straße@` and `strasse@` are the mailboxes of two people. Raises `Invalid`
    unless it is an email address.
    """
    try:
        parsed = email_validator.validate_email(email, check_deliverability=False)
    except (email_validator.EmailNotValidError, UnicodeError):
        raise Invalid("email", "Enter an email address, like name@example.com.") from None
    return normalize("NFC", parsed.normalized.lower())
