"""Tiers, statuses, reasons and limits; when somebody is of age; what a number of a document is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from app.catalog.rules import USD
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.kit.states import Transitions

ADULT_YEARS = 18
_AGE_YEARS_MAX = 120
TIER_NONE, TIER_BASIC, TIER_VERIFIED, TIER_ENHANCED = range(4)
#: Redemption of metal begins there.
TIER_REDEMPTION_MIN = TIER_VERIFIED
#: Who owns so much of a company, in basis points, is named.
OWNER_BPS_MIN = 2_500
WHOLE_BPS = 10_000


class VerificationKind(StrEnum):
    """What is verified."""

    IDENTITY = "identity"
    """Who a person is: tiers 1 and 2."""
    ENHANCED = "enhanced"
    """A person's address and where their money comes from: tier 3."""
    BUSINESS = "business"
    """A company and who owns it."""


class VerificationStatus(StrEnum):
    """Where a verification is."""

    PENDING = "pending"
    """The provider has not answered yet."""
    IN_REVIEW = "in_review"
    """Staff look at it."""
    MORE_NEEDED = "more_needed"
    """The person has to do something: `reasons` says what."""
    APPROVED = "approved"
    """It holds until it expires."""
    REJECTED = "rejected"
    """`reasons` says why. The person may submit again."""
    EXPIRED = "expired"
    """It held for its time. The person submits again."""
    SUPERSEDED = "superseded"
    """A later one stands in its place."""
    WITHDRAWN = "withdrawn"
    """The person closed their account."""


#: In which a person cannot begin another one.
AWAITING_DECISION = frozenset({VerificationStatus.PENDING, VerificationStatus.IN_REVIEW})
OPEN_STATUSES = AWAITING_DECISION | {VerificationStatus.MORE_NEEDED}
_FINAL_STATUSES = frozenset({VerificationStatus.SUPERSEDED, VerificationStatus.WITHDRAWN})
TRANSITIONS = Transitions(
    {
        VerificationStatus.PENDING: _FINAL_STATUSES
        | {
            VerificationStatus.IN_REVIEW,
            VerificationStatus.MORE_NEEDED,
            VerificationStatus.APPROVED,
            VerificationStatus.REJECTED,
        },
        VerificationStatus.IN_REVIEW: _FINAL_STATUSES
        | {
            VerificationStatus.PENDING,
            VerificationStatus.MORE_NEEDED,
            VerificationStatus.APPROVED,
            VerificationStatus.REJECTED,
        },
        VerificationStatus.MORE_NEEDED: _FINAL_STATUSES
        | {VerificationStatus.IN_REVIEW, VerificationStatus.REJECTED},
        # Compliance takes it back.
        VerificationStatus.APPROVED: _FINAL_STATUSES
        | {VerificationStatus.EXPIRED, VerificationStatus.REJECTED},
        VerificationStatus.REJECTED: _FINAL_STATUSES,
        VerificationStatus.EXPIRED: _FINAL_STATUSES,
    }
)


class ReviewFlag(StrEnum):
    """Why staff have to look before anything is approved. The person is not told."""

    UNSCREENED = "unscreened"
    """There is no sanctions list yet. They are screened when there is one."""
    SCREENING = "screening"
    """A sanctions list may name them. Compliance disposes of the case; nobody else can."""
    LISTED = "listed"
    """Compliance decided that a sanctions list names them."""
    DUPLICATE = "duplicate"
    """Somebody else submitted the same number of a document."""
    PROVIDER = "provider"
    """The provider leaves it to us."""


#: What the sanctions lists say, for compliance alone.
SANCTIONS_FLAGS = frozenset({ReviewFlag.UNSCREENED, ReviewFlag.SCREENING, ReviewFlag.LISTED})
#: With which the data alone are good for nothing.
TIER_BLOCKING_FLAGS = SANCTIONS_FLAGS | {ReviewFlag.DUPLICATE}


class ReasonCode(StrEnum):
    """What a person is told when they are refused, or when something is missing."""

    IDENTITY_NOT_VERIFIED = "identity_not_verified"
    NOT_FINISHED = "verification_not_finished"
    DOCUMENT_UNREADABLE = "document_unreadable"
    DOCUMENT_EXPIRED = "document_expired"
    DOCUMENT_MISMATCH = "document_mismatch"
    IDENTITY_DOCUMENT = "identity_document_needed"
    ADDRESS_NOT_SHOWN = "address_not_shown"
    FUNDS_NOT_SHOWN = "funds_not_shown"
    COMPANY_NOT_SHOWN = "company_not_shown"
    OWNERS_NOT_SHOWN = "owners_not_shown"
    CANNOT_SERVE = "cannot_serve"


REASON_TEXTS: Mapping[ReasonCode, str] = MappingProxyType(
    {
        ReasonCode.IDENTITY_NOT_VERIFIED: "We could not verify who you are from what you told us.",
        ReasonCode.NOT_FINISHED: "The verification was begun and not finished. Submit again.",
        ReasonCode.DOCUMENT_UNREADABLE: "A document cannot be read. Send a sharper picture of it.",
        ReasonCode.DOCUMENT_EXPIRED: "A document has expired. Send one that is valid.",
        ReasonCode.DOCUMENT_MISMATCH: "A document does not say what you told us.",
        ReasonCode.IDENTITY_DOCUMENT: "Send a passport or an identity card.",
        ReasonCode.ADDRESS_NOT_SHOWN: "Send a bill or a letter of the last three months that shows"
        " your address.",
        ReasonCode.FUNDS_NOT_SHOWN: "Send a document that shows where your money comes from.",
        ReasonCode.COMPANY_NOT_SHOWN: "Send the company's registration, and its licences if it"
        " needs any.",
        ReasonCode.OWNERS_NOT_SHOWN: "Send a document that shows who owns and who controls the"
        " company.",
        ReasonCode.CANNOT_SERVE: "We cannot offer you this.",
    }
)


class DocumentPurpose(StrEnum):
    """What a document is to show."""

    IDENTITY = "identity"
    ADDRESS = "address"
    FUNDS = "funds"
    REGISTRATION = "registration"
    LICENCE = "licence"
    OWNERSHIP = "ownership"


#: What tier 3 is asked for with.
ENHANCED_DOCUMENTS = (DocumentPurpose.IDENTITY, DocumentPurpose.ADDRESS, DocumentPurpose.FUNDS)
#: Without which no company is approved.
BUSINESS_DOCUMENTS = (DocumentPurpose.REGISTRATION, DocumentPurpose.OWNERSHIP)
COMPANY_DOCUMENTS = frozenset(
    {DocumentPurpose.REGISTRATION, DocumentPurpose.LICENCE, DocumentPurpose.OWNERSHIP}
)


class IdType(StrEnum):
    """Kinds of numbers by which a state knows a person."""

    SSN = "ssn"
    ITIN = "itin"
    PASSPORT = "passport"
    DRIVERS_LICENSE = "drivers_license"
    NATIONAL_ID = "national_id"


_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PERCENT = re.compile(r"(?:0|[1-9]\d{0,2})(?:\.\d{1,2})?", re.ASCII)


#: Numbers that mean the same wherever somebody lives.
US_ID_TYPES = frozenset({IdType.SSN, IdType.ITIN})


@dataclass(frozen=True, slots=True)
class KycRules:
    """What was configured: a day's dollars by tier, and for how long a verification holds."""

    daily_limits: tuple[Amount, ...]
    validity: timedelta
    #: How long before its end a person is told.
    expiry_warning: timedelta = timedelta(days=30)
    #: How often a person may submit within `attempts_within`.
    submissions_max: int = 5
    submissions_period: timedelta = timedelta(days=30)

    @classmethod
    def from_daily_dollars(cls, daily_dollars: Sequence[str], *, validity: timedelta) -> Self:
        """With so many whole dollars a day for each tier from 0 to 3."""
        return cls(tuple(Amount(USD, int(each) * USD.unit) for each in daily_dollars), validity)


def parse_date_of_birth(text: str, today: date) -> date:
    """Raises `Invalid` unless it is the day on which somebody was born who is 18 today.

    Whoever was born on 29 February is a year older on 1 March of other years.
    """
    field = "dateOfBirth"
    born = parse_date(field, text)
    if born > today:
        raise Invalid(field, "Enter a date of birth in the past.")
    if full_years_between(born, today) < ADULT_YEARS:
        raise Invalid(field, f"Accounts are for people aged {ADULT_YEARS} or over.")
    if full_years_between(born, today) > _AGE_YEARS_MAX:
        raise Invalid(field, f"Enter a date of birth at most {_AGE_YEARS_MAX} years ago.")
    return born


def parse_date(field: str, text: str) -> date:
    """A day of the calendar, as `1990-12-31`. Raises `Invalid`."""
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise Invalid(field, "Enter a date, like 1990-12-31.")
    return found


def parse_share_bps(field: str, text: str) -> int:
    """Percent, with two decimals at most, as basis points. Raises `Invalid`."""
    if not _PERCENT.fullmatch(text):
        raise Invalid(field, "Enter a percentage with at most 2 decimals, like 33.34.")
    whole, _, decimals = text.partition(".")
    found = int(whole) * 100 + int(decimals.ljust(2, "0"))
    if found > WHOLE_BPS:
        raise Invalid(field, "Enter a percentage of at most 100.")
    return found


def full_years_between(birth_date: date, today: date) -> int:
    """Whole years lived."""
    return (
        today.year
        - birth_date.year
        - ((today.month, today.day) < (birth_date.month, birth_date.day))
    )


def parse_id_type(text: str) -> IdType:
    """The kind of number that the text names, in any case. Raises `Invalid`."""
    wanted = text.strip().casefold().replace(" ", "_").removeprefix("us_")
    try:
        return IdType(wanted)
    except ValueError:
        raise Invalid("idType", f"Choose one of {', '.join(IdType)}.") from None


_SHAPES: Mapping[IdType, tuple[re.Pattern[str], str]] = {
    # The Social Security Administration issues no 000, 666 or 9xx, no 00 and no 0000.
    IdType.SSN: (
        re.compile(r"(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}", re.ASCII),
        "Enter a valid Social Security number (9 digits).",
    ),
    IdType.ITIN: (re.compile(r"9\d{8}", re.ASCII), "Enter an ITIN (9 digits, the first is 9)."),
}
_OTHER_SHAPE = (
    re.compile(r"[A-Z0-9]{4,30}", re.ASCII),
    "Enter the number on the document (4 to 30 letters and digits).",
)


def parse_id_number(id_type: IdType, text: str) -> str:
    """The number without blanks and dashes, in capitals. Raises `Invalid`."""
    shape, wanted = _SHAPES.get(id_type, _OTHER_SHAPE)
    number = re.sub(r"[\s.\-/]", "", text).upper()
    if not shape.fullmatch(number):
        raise Invalid("idNumber", wanted)
    return number
