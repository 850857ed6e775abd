"""What a rule of sales tax says, to which goods it applies, and what its fields must be."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from unicodedata import normalize
from uuid import UUID

from app.catalog.rules import PRICED_NAMES, USD, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import ids
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount, InvalidAmount
from app.settings.rules import setting, settings_group
from app.tax.states import UsState

RULE_PREFIX = "txr"
_PERCENT = re.compile(r"\d{1,2}(?:\.\d{1,4})?", re.ASCII)
_FINENESS = re.compile(r"0?\.[0-9]{1,5}", re.ASCII)
_POSTAL_PREFIX = re.compile(r"[0-9]{3,5}", re.ASCII)
_POSTAL_CODE = re.compile(r"[0-9]{5}(?:-[0-9]{4})?", re.ASCII)
_URL = re.compile(r"https?://[!-~]{4,300}", re.ASCII)
_SOURCE_LENGTH_MAX = 300
#: No sales tax of a state with its counties and cities comes near.
_PERCENT_MAX = 20


class ThresholdDirection(LabelledEnum):
    """From where on an invoice is exempt."""

    AT_OR_ABOVE = "at_or_above", "At this total or above"
    """Taxable below the threshold: a total that equals it is exempt."""
    ABOVE = "above", "Above this total only"
    """A total that equals the threshold is taxable."""


class TaxRuleStatus(StatusEnum):
    """Whether a version of a rule counts today."""

    IN_EFFECT = "in_effect", "In effect", Mark.DONE
    LATER = "later", "Later", Mark.WAITING
    """Its first day is still to come."""
    OVER = "over", "Over", Mark.ENDED
    """Its last day has passed, or a later version replaced it."""


@settings_group("tax", "Sales tax")
@dataclass(frozen=True, slots=True)
class TaxSettings:
    """What the business decides about sales tax; the table of rules has the law."""

    refund_percent_max: Decimal = setting(
        "Most that tax may take of a refund",
        Decimal(100),
        minimum=Decimal(0),
        maximum=Decimal(100),
        unit="percent",
        about="A return can bring an invoice below a threshold, so that what the customer keeps is"
        " taxed after all. PBCEx bears what is more than this share of the price given back.",
    )
    certificate_days_max: int = setting(
        "Longest time for which an exemption certificate counts",
        1461,
        minimum=30,
        maximum=3653,
        unit="days",
        about="From the day on which it is recorded, even if the certificate says a later day.",
    )


@dataclass(frozen=True, slots=True)
class TaxRuleKey:
    """The goods and the place of a rule. Versions with the same key replace each other."""

    state: UsState
    #: None for goods of every class.
    tax_class: TaxClass | None = None
    #: None for every metal, and for goods without one.
    metal: Metal | None = None
    #: The rule is for goods of at least this fineness; None for all.
    fineness_min: Decimal | None = None
    #: The first digits of the postal code; empty for the whole state.
    postal_prefix: str = ""

    @property
    def specificity(self) -> tuple[bool, bool, Decimal, int]:
        """The order in which rules go before others: by class, metal, fineness, place."""
        return (
            self.tax_class is not None,
            self.metal is not None,
            self.fineness_min or Decimal(0),
            len(self.postal_prefix),
        )

    @property
    def goods(self) -> str:
        """The goods, for people."""
        texts = [
            self.tax_class.label.lower() if self.tax_class else "all goods",
            *([PRICED_NAMES[self.metal]] if self.metal else []),
            *([f"of {self._fineness} fine or more"] if self.fineness_min else []),
        ]
        return ", ".join(texts)

    @property
    def place(self) -> str:
        """The place, for people."""
        prefix = self.postal_prefix
        return f"{self.state.label}, postal codes {prefix}…" if prefix else self.state.label

    def __str__(self) -> str:
        """Return the key as requests and the audit trail name it."""
        parts = (self.tax_class, self.metal, self._fineness, self.postal_prefix)
        return " ".join([self.state, *(str(part) for part in parts if part)])

    @property
    def _fineness(self) -> str:
        return f"{self.fineness_min.normalize():f}" if self.fineness_min else ""

    def covers(
        self, tax_class: TaxClass, metal: Metal | None, fineness: Decimal | None, postal_code: str
    ) -> bool:
        """Return whether the rule is for these goods, delivered to this postal code of the
        state."""
        return (
            self.tax_class in {None, tax_class}
            and self.metal in {None, metal}
            and (self.fineness_min is None or (fineness or Decimal(0)) >= self.fineness_min)
            and postal_code.startswith(self.postal_prefix)
        )


@dataclass(frozen=True, slots=True)
class TaxRule:
    """A version of a rule. Days are those of the state."""

    id: UUID
    state: UsState
    tax_class: TaxClass | None
    metal: Metal | None
    fineness_min: Decimal | None
    postal_prefix: str
    #: None: the rate of the next rule that covers the goods and has one.
    rate_percent: Decimal | None
    #: Cents of the invoice from which the goods are exempt; None for a rule without a threshold.
    exempt_from_units: int | None
    threshold: ThresholdDirection | None
    valid_from: date
    #: The last day; None until another version replaces it.
    valid_until: date | None
    source: str
    source_url: str
    #: The day on which the source was read.
    source_date: date
    #: Whether two people checked it against its source.
    is_verified: bool
    maker_id: UUID | None
    approval_id: UUID | None
    recorded_at: datetime

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode(RULE_PREFIX, self.id)

    @property
    def key(self) -> TaxRuleKey:
        """The goods and the place."""
        return TaxRuleKey(
            self.state, self.tax_class, self.metal, self.fineness_min, self.postal_prefix
        )

    @property
    def exempt_from(self) -> Amount | None:
        """The total of an invoice from which the goods are exempt."""
        return None if self.exempt_from_units is None else Amount(USD, self.exempt_from_units)

    @property
    def terms(self) -> str:
        """What it says, for people."""
        rate = "the rate of all goods" if self.rate_percent is None else write_rate(self)
        if self.exempt_from is None or self.threshold is None:
            return rate[:1].upper() + rate[1:]
        reach = "from" if self.threshold is ThresholdDirection.AT_OR_ABOVE else "above"
        return f"Exempt {reach} {format_amount(self.exempt_from)}, else {rate}"

    def counts_at(self, instant: datetime) -> bool:
        """Return whether the version was known, and its days include this instant."""
        day = self.state.day_at(instant)
        return (
            self.recorded_at <= instant
            and self.valid_from <= day
            and (self.valid_until is None or day <= self.valid_until)
        )

    def exempts(self, counted: Amount) -> bool:
        """Return whether a total of this much is exempt by its threshold."""
        if self.exempt_from is None:
            return False
        is_above = self.exempt_from < counted
        return is_above or (
            self.threshold is ThresholdDirection.AT_OR_ABOVE and counted == self.exempt_from
        )


def write_rate(rule: TaxRule) -> str:
    """Return the rate for people: `7.25 %`; `exempt` for none."""
    percent = rule.rate_percent or Decimal(0)
    return f"{format_percent(percent)}" if percent else "exempt"


def format_percent(percent: Decimal) -> str:
    """Return a percentage without zeros at its end: `7.25 %`."""
    return f"{percent.normalize():f} %"


def parse_rate(text: str) -> Decimal | None:
    """Return a rate in percent; None for an empty text. Raises `Invalid`."""
    if not text:
        return None
    if not _PERCENT.fullmatch(text) or Decimal(text) > _PERCENT_MAX:
        raise Invalid("rate", f"Enter a rate in percent from 0 to {_PERCENT_MAX}, like 7.25.")
    return Decimal(text)


def parse_fineness_min(text: str) -> Decimal | None:
    """Return the least fineness; None for an empty text. Raises `Invalid`."""
    if not text:
        return None
    if not _FINENESS.fullmatch(text) or not Decimal(text):
        raise Invalid("fineness_min", "Enter a share of fine metal below 1, like 0.9 or 0.995.")
    return Decimal(text).normalize()


def parse_postal_prefix(text: str) -> str:
    """Return the first digits of postal codes. Raises `Invalid` unless they are 3 to 5, or none."""
    if text and not _POSTAL_PREFIX.fullmatch(text):
        raise Invalid("postal_prefix", "Enter the first 3 to 5 digits of the postal codes.")
    return text


def parse_postal_code(text: str) -> str:
    """Return a postal code of the USA, or an empty text. Raises `Invalid`."""
    if text and not _POSTAL_CODE.fullmatch(text):
        raise Invalid("postal_code", "Enter a postal code of five digits, like 02139.")
    return text


def parse_price(field: str, text: str) -> Amount:
    """Return a price in US dollars. Raises `Invalid` naming the field."""
    try:
        return Amount.parse(USD, text.replace(",", ""))
    except InvalidAmount as error:
        raise Invalid(field, "Enter an amount in US dollars, like 1000.00.") from error


def parse_threshold(text: str) -> Amount | None:
    """Return the total from which an invoice is exempt; None for an empty text. Raises
    `Invalid`."""
    return parse_price("exempt_from", text) if text else None


def clean_source(text: str) -> str:
    """Return the source with blanks collapsed. Raises `Invalid` unless it has 5 to 300 printable
    characters."""
    source = normalize("NFC", " ".join(text.split()))
    shortest = 5
    if not shortest <= len(source) <= _SOURCE_LENGTH_MAX or not source.isprintable():
        raise Invalid("source", "Enter the law or the page that says so, like MGL 64H 6(ll).")
    return source


def clean_url(text: str) -> str:
    """Return the address of the source, or an empty text. Raises `Invalid`."""
    if text and not _URL.fullmatch(text):
        raise Invalid(
            "source_url", "Enter an address that begins with https://, or leave it empty."
        )
    return text
