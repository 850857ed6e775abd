"""Tiers, statuses, flags, reason codes, limits, and parsing of dates, shares and ID numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from app.catalog.rules import USD
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount
from app.kit.states import Transitions
from app.settings.rules import setting, settings_group

ADULT_YEARS = 18
_AGE_YEARS_MAX = 120
TIER_NONE, TIER_BASIC, TIER_VERIFIED, TIER_ENHANCED = range(4)
#: The lowest tier that may redeem metal.
TIER_REDEMPTION_MIN = TIER_VERIFIED
#: The share of a company, in basis points, from which an owner must be named.
OWNER_BPS_MIN = 2_500
WHOLE_BPS = 10_000


class VerificationKind(LabelledEnum):
    """What a verification is about."""

    IDENTITY = "identity", "Identity"
    """A person's identity: tiers 1 and 2."""
    ENHANCED = "enhanced", "Tier 3"
    """A person's address and source of funds: tier 3."""
    BUSINESS = "business", "Company"
    """A company and its owners."""


class VerificationStatus(StatusEnum):
    """The status of a verification."""

    PENDING = "pending", "Waiting for provider", Mark.WAITING
    """The provider has not answered yet."""
    IN_REVIEW = "in_review", "In review", Mark.REVIEW
    """Staff review it."""
    MORE_NEEDED = "more_needed", "Waiting for customer", Mark.WAITING
    """The customer must do something: `reasons` says what."""
    APPROVED = "approved", "Approved", Mark.DONE
    """Valid until it expires."""
    REJECTED = "rejected", "Rejected", Mark.FAILED
    """`reasons` says why. The customer may submit again."""
    EXPIRED = "expired", "Expired", Mark.ENDED
    """Its validity ended. The customer submits again."""
    SUPERSEDED = "superseded", "Replaced", Mark.ENDED
    """A later verification replaces it."""
    WITHDRAWN = "withdrawn", "Account closed", Mark.ENDED
    """The customer closed their account."""


#: Statuses in which the customer cannot submit again.
AWAITING_DECISION = frozenset({VerificationStatus.PENDING, VerificationStatus.IN_REVIEW})
OPEN_STATUSES = AWAITING_DECISION | {VerificationStatus.MORE_NEEDED}
#: Statuses whose people are screened against each version of the sanctions list.
SCREENED_STATUSES = OPEN_STATUSES | {VerificationStatus.APPROVED, VerificationStatus.EXPIRED}
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
        # REJECTED: compliance revokes the approval.
        VerificationStatus.APPROVED: _FINAL_STATUSES
        | {VerificationStatus.EXPIRED, VerificationStatus.REJECTED},
        VerificationStatus.REJECTED: _FINAL_STATUSES,
        VerificationStatus.EXPIRED: _FINAL_STATUSES,
    }
)


class ReviewFlag(LabelledEnum):
    """Why staff must review before anything is approved. Customers do not see flags."""

    UNSCREENED = "unscreened", "Not screened"
    """No sanctions list was imported yet. The customer is screened when there is one."""
    SCREENING = "screening", "Possible sanctions match"
    """A sanctions list may name the customer. Only compliance decides the case."""
    LISTED = "listed", "Sanctions match"
    """Compliance decided that a sanctions list names the customer."""
    DUPLICATE = "duplicate", "Duplicate document number"
    """Another person submitted the same ID number."""
    EMBARGOED = "embargoed", "Embargoed residence"
    """The customer, or an owner, lives in a country that we do not serve."""
    RESIDENCE = "residence", "Residence to be reviewed"
    """The customer, or an owner, lives where staff decide whether we serve them."""
    PROVIDER = "provider", "Provider undecided"
    """The provider left the decision to us."""


#: Flags from sanctions screening, for compliance only.
SANCTIONS_FLAGS = frozenset({ReviewFlag.UNSCREENED, ReviewFlag.SCREENING, ReviewFlag.LISTED})
#: Flags with which the submitted details alone give no tier.
TIER_BLOCKING_FLAGS = SANCTIONS_FLAGS | {
    ReviewFlag.DUPLICATE,
    ReviewFlag.EMBARGOED,
    ReviewFlag.RESIDENCE,
}
#: Flags with which a submission is rejected.
REJECTING_FLAGS = frozenset({ReviewFlag.LISTED, ReviewFlag.EMBARGOED})


class ReasonCode(LabelledEnum):
    """Why a verification was rejected or what is missing, in the words that the customer reads."""

    IDENTITY_NOT_VERIFIED = (
        "identity_not_verified",
        "We could not verify your identity from your details.",
    )
    NOT_FINISHED = "verification_not_finished", "You did not finish the verification. Submit again."
    DOCUMENT_UNREADABLE = (
        "document_unreadable",
        "We cannot read a document. Send a sharper picture of it.",
    )
    DOCUMENT_EXPIRED = "document_expired", "A document has expired. Send one that is valid."
    DOCUMENT_MISMATCH = "document_mismatch", "A document does not match your details."
    IDENTITY_DOCUMENT = "identity_document_needed", "Send a passport or an identity card."
    ADDRESS_NOT_SHOWN = (
        "address_not_shown",
        "Send a bill or a letter from the last 3 months that shows your address.",
    )
    FUNDS_NOT_SHOWN = "funds_not_shown", "Send proof of the source of your funds."
    COMPANY_NOT_SHOWN = (
        "company_not_shown",
        "Send the company's registration, and its licences if it has any.",
    )
    OWNERS_NOT_SHOWN = (
        "owners_not_shown",
        "Send a document that names the owners of the company and the people who control it.",
    )
    CANNOT_SERVE = "cannot_serve", "We cannot offer you this."


class DocumentPurpose(LabelledEnum):
    """What a document proves."""

    IDENTITY = "identity", "Proof of identity"
    ADDRESS = "address", "Proof of address"
    FUNDS = "funds", "Source of funds"
    REGISTRATION = "registration", "Company registration"
    LICENCE = "licence", "Licence"
    OWNERSHIP = "ownership", "Ownership"


class DocumentState(StatusEnum):
    """Whether a document can be used."""

    RECEIVED = "received", "Being checked", Mark.UNDERWAY
    """Its pages are being drawn."""
    ACCEPTED = "accepted", "Readable", Mark.DONE
    """Its pages are kept as pictures, and the file is not."""
    REFUSED = "refused", "Refused", Mark.FAILED
    """Nothing of it is kept."""


#: The documents that tier 3 needs.
ENHANCED_DOCUMENTS = (DocumentPurpose.IDENTITY, DocumentPurpose.ADDRESS, DocumentPurpose.FUNDS)
#: The documents that a company needs.
BUSINESS_DOCUMENTS = (DocumentPurpose.REGISTRATION, DocumentPurpose.OWNERSHIP)
COMPANY_DOCUMENTS = frozenset(
    {DocumentPurpose.REGISTRATION, DocumentPurpose.LICENCE, DocumentPurpose.OWNERSHIP}
)


class IdType(LabelledEnum):
    """Types of ID numbers that a state issues to a person."""

    SSN = "ssn", "SSN"
    ITIN = "itin", "ITIN"
    PASSPORT = "passport", "Passport"
    DRIVERS_LICENSE = "drivers_license", "Driving licence"
    NATIONAL_ID = "national_id", "National ID"


_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PERCENT = re.compile(r"(?:0|[1-9]\d{0,2})(?:\.\d{1,2})?", re.ASCII)


#: US numbers, which are the same wherever the holder lives.
US_ID_TYPES = frozenset({IdType.SSN, IdType.ITIN})


def _daily(tier: int, dollars: int) -> Any:
    return setting(
        f"Daily limit on tier {tier}",
        Amount(USD, dollars * USD.unit),
        minimum=Amount(USD, 0),
        maximum=Amount(USD, 10_000_000 * USD.unit),
        about="What a customer may pay in, and what they may withdraw, in 24 hours.",
    )


@settings_group("verification", "Verification")
@dataclass(frozen=True, slots=True)
class KycRules:
    """What a customer may move in 24 hours on each tier, and how long a verification is valid."""

    daily_tier_0: Amount = _daily(0, 0)
    daily_tier_1: Amount = _daily(1, 1_000)
    daily_tier_2: Amount = _daily(2, 10_000)
    daily_tier_3: Amount = _daily(3, 250_000)
    valid_days: int = setting(
        "Validity of a verification",
        730,
        minimum=31,
        maximum=3650,
        unit="days",
        about="Afterwards the customer submits again.",
    )
    warning_days: int = setting(
        "Warning before it expires", 30, minimum=1, maximum=90, unit="days", needs_approval=False
    )
    submissions_max: int = setting(
        "Submissions of one kind",
        5,
        minimum=1,
        maximum=100,
        unit="submissions",
        about="How often a person may submit within the period below.",
        needs_approval=False,
    )
    submissions_days: int = setting(
        "Period of submissions", 30, minimum=1, maximum=365, unit="days", needs_approval=False
    )

    def __post_init__(self) -> None:
        """Check that a higher tier allows more, and that the warning comes in time."""
        limits = [self.daily_limit(tier) for tier in range(TIER_ENHANCED + 1)]
        if any(higher < lower for lower, higher in pairwise(limits)):
            raise ValueError("A higher tier cannot allow less than a lower one.")
        if self.valid_days <= self.warning_days:
            raise ValueError("The warning must come while the verification is valid.")

    def daily_limit(self, tier: int) -> Amount:
        """Return what a customer on this tier may move in 24 hours."""
        limit: Amount = getattr(self, f"daily_tier_{tier}")
        return limit

    @property
    def validity(self) -> timedelta:
        """How long a verification is valid."""
        return timedelta(days=self.valid_days)

    @property
    def expiry_warning(self) -> timedelta:
        """How long before the end of its validity the customer is warned."""
        return timedelta(days=self.warning_days)

    @property
    def submissions_period(self) -> timedelta:
        """The period in which `submissions_max` submissions of a kind are allowed."""
        return timedelta(days=self.submissions_days)


def parse_date_of_birth(text: str, today: date) -> date:
    """Parse the date of birth of an adult.

    A person born on 29 February turns a year older on 1 March in other years. Raises `Invalid` for
    an invalid or future date, for a person under 18, and for one over 120.
    """
    field = "dateOfBirth"
    birth_date = parse_date(field, text)
    if birth_date > today:
        raise Invalid(field, "Enter a date of birth in the past.")
    if full_years_between(birth_date, today) < ADULT_YEARS:
        raise Invalid(field, f"Accounts are for people aged {ADULT_YEARS} or over.")
    if full_years_between(birth_date, today) > _AGE_YEARS_MAX:
        raise Invalid(field, f"Enter a date of birth at most {_AGE_YEARS_MAX} years ago.")
    return birth_date


def parse_date(field: str, text: str) -> date:
    """Parse a calendar date like `1990-12-31`. Raises `Invalid`."""
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise Invalid(field, "Enter a date, like 1990-12-31.")
    return day


def parse_share_bps(field: str, text: str) -> int:
    """Parse a percentage with at most two decimals into basis points. Raises `Invalid`."""
    if not _PERCENT.fullmatch(text):
        raise Invalid(field, "Enter a percentage with at most 2 decimals, like 33.34.")
    whole, _, decimals = text.partition(".")
    share_bps = int(whole) * 100 + int(decimals.ljust(2, "0"))
    if share_bps > WHOLE_BPS:
        raise Invalid(field, "Enter a percentage of at most 100.")
    return share_bps


def full_years_between(birth_date: date, today: date) -> int:
    """Return the age in whole years."""
    return (
        today.year
        - birth_date.year
        - ((today.month, today.day) < (birth_date.month, birth_date.day))
    )


def parse_id_type(text: str) -> IdType:
    """Parse the type of an ID number, in any letter case. Raises `Invalid`."""
    normalized = text.strip().casefold().replace(" ", "_").removeprefix("us_")
    try:
        return IdType(normalized)
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
    """Return the number without spaces and dashes, in capitals. Raises `Invalid`."""
    shape, problem = _SHAPES.get(id_type, _OTHER_SHAPE)
    number = re.sub(r"[\s.\-/]", "", text).upper()
    if not shape.fullmatch(number):
        raise Invalid("idNumber", problem)
    return number
