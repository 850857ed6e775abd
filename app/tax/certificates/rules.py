"""What an exemption certificate is, whether it counts, and what its fields must be."""

import re
from datetime import date, datetime, timedelta

from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.tax.states import UsState

_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9 ./-]{2,38}[A-Z0-9]", re.ASCII)
_EVIDENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _./:#-]{2,98}[A-Za-z0-9]", re.ASCII)


class CertificateHolder(LabelledEnum):
    """Whom the certificate names."""

    PERSON = "person", "The customer"
    COMPANY = "company", "The customer's company"


class CertificateGround(LabelledEnum):
    """Why no tax is due."""

    RESALE = "resale", "Resale"
    """A dealer, who taxes the sale to their own customer."""
    GOVERNMENT = "government", "Government"
    CHARITY = "charity", "Charity"


class CertificateStatus(StatusEnum):
    """Whether a certificate counts. Not stored."""

    UNVERIFIED = "unverified", "Not verified yet", Mark.WAITING
    """A second person has not compared it with its document."""
    VALID = "valid", "Valid", Mark.DONE
    EXPIRED = "expired", "Expired", Mark.ENDED
    REVOKED = "revoked", "Revoked", Mark.STOPPED


def clean_number(text: str) -> str:
    """Return the number of a certificate in capital letters. Raises `Invalid`."""
    number = " ".join(text.split()).upper()
    if not _NUMBER.fullmatch(number):
        raise Invalid(
            "number",
            "Enter the number of the certificate: 4 to 40 letters, digits, hyphens and points.",
        )
    return number


def clean_evidence(text: str) -> str:
    """Return the reference of the document. Raises `Invalid`."""
    evidence = " ".join(text.split())
    if not _EVIDENCE.fullmatch(evidence):
        raise Invalid(
            "evidence",
            "Enter the reference under which the document is filed: 4 to 100 letters and digits.",
        )
    return evidence


def last_day(state: UsState, now: datetime, stated: date, days_max: int) -> date:
    """Return until when a certificate counts: the stated day, and `days_max` days at most.

    Raises `Invalid` for a day that has passed.
    """
    today = state.day_at(now)
    if stated < today:
        raise Invalid("valid_until", "Enter the last day of the certificate, today or later.")
    return min(stated, today + timedelta(days=days_max))
