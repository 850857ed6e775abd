"""Which cash is reported, on which day and until when. Pure.

Sources: 31 CFR 1010.311 and 1010.313 (currency transaction reports), 31 CFR 1010.330 (Form 8300).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from app.branches.entities.rules import CashReportRegime
from app.catalog.rules import USD, CashInstrument
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount
from app.kit.states import Transitions
from app.kit.us_holidays import is_banking_day
from app.settings.rules import setting, settings_group

PREFIX = "crp"
#: More than this is reported; this amount itself is not.
THRESHOLD = Amount(USD, 1_000_000)
_DUE_DAYS = 15
_RELATED_HOURS = 24
_RELATED_DAYS = 365
_LENGTH_MIN = 2
_OCCUPATION_LENGTH_MAX = 100
_REFERENCE_LENGTH_MAX = 40


class CashDirection(LabelledEnum):
    """Whether the customer brought the cash or got it. One is never set off against the other."""

    IN = "in", "Cash in"
    OUT = "out", "Cash out"


class CashReportStatus(StatusEnum):
    """What happened with a report."""

    DRAFT = "draft", "To be filed", Mark.WAITING
    FILED = "filed", "Filed", Mark.DONE
    WITHDRAWN = "withdrawn", "Not required", Mark.ENDED
    """Two people decided that the law does not ask for it."""


TRANSITIONS = Transitions(
    {CashReportStatus.DRAFT: frozenset({CashReportStatus.FILED, CashReportStatus.WITHDRAWN})}
)


@settings_group("cash_reports", "Cash reports")
@dataclass(frozen=True, slots=True)
class CashReportSettings:
    """From when on cash below the threshold of a report is looked into."""

    pattern_days: int = setting(
        "Days over which cash below the threshold is added up",
        10,
        minimum=2,
        maximum=60,
        unit="days",
        about="If a person's days without a report add up to more than 10,000 USD in this time,"
        " a case is opened for compliance. The counter sees nothing of it.",
    )
    pattern_day_min: Amount = setting(
        "Smallest cash of a day that is added up",
        Amount(USD, 300_000),
        minimum=Amount(USD, 0),
        maximum=THRESHOLD,
        about="Days with less are everyday business.",
    )


@dataclass(frozen=True, slots=True)
class PersonsCash:
    """The cash of a person, through all their accounts, with a legal entity in one direction."""

    person_id: UUID
    accounts: Sequence[UUID]
    entity_id: UUID
    direction: CashDirection


@dataclass(frozen=True, slots=True)
class RecordedCash:
    """Cash that was recorded, as far as it decides what is reported."""

    id: UUID
    conductor_id: UUID
    beneficiary_id: UUID
    instrument: CashInstrument
    amount_units: int
    at: datetime
    business_day: date
    relates_to: str | None


def business_day(at: datetime, time_zone: str) -> date:
    """Return the business day of cash at an instant: the day on the clock of the branch, and the
    next banking day for a weekend or a holiday."""
    day = at.astimezone(ZoneInfo(time_zone)).date()
    while not is_banking_day(day):
        day += timedelta(days=1)
    return day


def due_on(day: date) -> date:
    """Return the last day on which cash of a day can be reported."""
    return day + timedelta(days=_DUE_DAYS)


def is_complete(day: date, now: datetime) -> bool:
    """Return whether no branch can add cash to a business day any more, wherever it is."""
    return now.astimezone(ZoneInfo("Etc/GMT+12")).date() > day


def counts_as_cash(regime: CashReportRegime, instrument: CashInstrument, amount_units: int) -> bool:
    """Return whether an amount counts. Form 8300 counts cheques and money orders of up to 10,000 US
    dollars for goods such as coins, too; larger ones were reported by the bank that drew them."""
    if instrument is CashInstrument.CASH:
        return True
    return regime is CashReportRegime.FORM_8300 and amount_units <= THRESHOLD.units


def reported_directions(regime: CashReportRegime) -> frozenset[CashDirection]:
    """Return which cash is reported: a dealer reports only what it received."""
    if regime is CashReportRegime.FORM_8300:
        return frozenset({CashDirection.IN})
    return frozenset(CashDirection)


def earliest_related(now: datetime) -> datetime:
    """Return since when cash can be related to cash of now."""
    return now - timedelta(days=_RELATED_DAYS)


def find_reportable(
    regime: CashReportRegime, newest: RecordedCash, others: Sequence[RecordedCash]
) -> list[RecordedCash]:
    """Return what is to be reported of a person's cash in one direction with a legal entity, now
    that the newest is added; empty unless it is more than the threshold.

    `others` of a currency transaction report are those of the same business day. Those of Form 8300
    are of the last year and in no filed report; the ones of the last 24 hours are added up, and so
    are those that pay for the same purchase.
    """
    counted = [
        each
        for each in (*others, newest)
        if counts_as_cash(regime, each.instrument, each.amount_units)
    ]
    if newest not in counted:
        return []
    if regime is CashReportRegime.CTR:
        groups = [[each for each in counted if each.business_day == newest.business_day]]
    else:
        day_before = newest.at - timedelta(hours=_RELATED_HOURS)
        of_purchase = newest.relates_to is not None
        groups = [
            [each for each in counted if each.at > day_before],
            [each for each in counted if of_purchase and each.relates_to == newest.relates_to],
        ]
    reportable = {each.id: each for group in groups if _exceeds(group) for each in group}
    return sorted(reportable.values(), key=lambda each: (each.at, each.id))


def _exceeds(group: Sequence[RecordedCash]) -> bool:
    return sum(each.amount_units for each in group) > THRESHOLD.units


def avoids_reports(day_units: Mapping[date, int], settings: CashReportSettings) -> bool:
    """Return whether several days, none of them above the threshold, add up to more than it.
    `day_units` has the cash of each business day in cents."""
    added_up = [
        units
        for units in day_units.values()
        if settings.pattern_day_min.units <= units <= THRESHOLD.units
    ]
    return len(added_up) > 1 and sum(added_up) > THRESHOLD.units


def clean_occupation(text: str) -> str:
    """Return an occupation. Raises `Invalid`."""
    return _clean("occupation", text, _OCCUPATION_LENGTH_MAX)


def clean_reference(text: str) -> str:
    """Return the number under which a report was filed. Raises `Invalid`."""
    return _clean("reference", text, _REFERENCE_LENGTH_MAX)


def _clean(field: str, text: str, length_max: int) -> str:
    cleaned = " ".join(text.split())
    if not _LENGTH_MIN <= len(cleaned) <= length_max or not cleaned.isprintable():
        raise Invalid(field, f"Enter {_LENGTH_MIN} to {length_max} characters.")
    return cleaned
