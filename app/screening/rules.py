"""Subjects, verdicts and scores, and how birth dates and countries change a score."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.settings.rules import setting, settings_group

SCORE_MAX = 100
#: The entry number of the hit for a name that cannot be compared.
UNCOMPARABLE_ENTRY = 0


class PartyType(LabelledEnum):
    """The type of a listed party."""

    INDIVIDUAL = "individual", "Individual"
    ENTITY = "entity", "Entity"
    VESSEL = "vessel", "Vessel"
    AIRCRAFT = "aircraft", "Aircraft"


@dataclass(frozen=True, slots=True)
class ScreeningSubject:
    """A person or company to be screened, as they describe themselves.

    `names` are all names that they use; `countries` those of citizenship, residence or
    registration, as ISO 3166-1 alpha-2 codes. Unknown facts are left out and do not change the
    score.
    """

    names: tuple[str, ...]
    birth_date: date | None = None
    countries: frozenset[str] = frozenset()
    party_type: PartyType | None = None


class Verdict(StatusEnum):
    """The result of a screening. Only `CLEAR` passes."""

    CLEAR = "clear", "Clear", Mark.DONE
    """No hits, or only hits that were decided to be false positives."""
    REVIEW = "review", "Needs review", Mark.REVIEW
    """At least one hit is undecided."""
    BLOCKED = "blocked", "Blocked", Mark.STOPPED
    """Decided to be a listed party."""


class HitDecision(StatusEnum):
    """What staff decided about the hits of a screening. `OPEN` is not stored."""

    OPEN = "open", "To be decided", Mark.REVIEW
    MATCH = "match", "True match", Mark.STOPPED
    NO_MATCH = "no_match", "False positive", Mark.DONE


class MatchedOn(LabelledEnum):
    """What of a listed party a hit is like."""

    NAME = "name", "Name"
    AKA = "aka", "Also known as"
    FKA = "fka", "Formerly known as"
    NKA = "nka", "Now known as"
    WEAK = "weak", "Nickname"
    """An alias that many people have."""
    WALLET = "wallet", "Wallet address"


class Agreement(LabelledEnum):
    """How a fact of the subject compares with the list."""

    AGREES = "agrees", "Agrees"
    NEAR = "near", "Near"
    DIFFERS = "differs", "Differs"
    UNKNOWN = "unknown", "Unknown"


@settings_group("screening", "Screening")
@dataclass(frozen=True, slots=True)
class ScreeningRules:
    """From which similarity to a listed name on a hit is investigated."""

    threshold: int = setting(
        "Hit from",
        85,
        minimum=50,
        maximum=100,
        unit="of 100",
        about="The similarity of a name to a listed one from which staff investigate it.",
    )


@dataclass(frozen=True, slots=True)
class BirthDateSpan:
    """The days on which a listed person may have been born."""

    first: date
    last: date


#: How many years a listed year or "circa" may be off.
_YEARS_NEAR = 1
#: What known facts add to the score of a name. An exact name stays a hit when one fact differs, and
#: is no hit when both differ.
_BIRTH_POINTS = {
    Agreement.AGREES: 5,
    Agreement.NEAR: 0,
    Agreement.DIFFERS: -11,
    Agreement.UNKNOWN: 0,
}
_COUNTRY_POINTS = {
    Agreement.AGREES: 2,
    Agreement.NEAR: 0,
    Agreement.DIFFERS: -5,
    Agreement.UNKNOWN: 0,
}
#: The subject is a person and the listed party a company, or the reverse.
_OTHER_TYPE_POINTS = -10
#: For nicknames that the list itself calls weak.
_WEAK_ALIAS_POINTS = -5


def compare_birth_dates(birth_date: date | None, spans: Collection[BirthDateSpan]) -> Agreement:
    """Compare a birth date with the spans that are listed."""
    if birth_date is None or not spans:
        return Agreement.UNKNOWN
    if any(span.first <= birth_date <= span.last for span in spans):
        return Agreement.AGREES
    if any(
        span.first.year - _YEARS_NEAR <= birth_date.year <= span.last.year + _YEARS_NEAR
        for span in spans
    ):
        return Agreement.NEAR
    return Agreement.DIFFERS


def compare_countries(
    subject_countries: Collection[str], listed_countries: Collection[str]
) -> Agreement:
    """Return whether they have a country in common."""
    if not subject_countries or not listed_countries:
        return Agreement.UNKNOWN
    return (
        Agreement.DIFFERS
        if set(subject_countries).isdisjoint(listed_countries)
        else Agreement.AGREES
    )


def total_score(
    likeness: int,
    birth: Agreement,
    country: Agreement,
    *,
    party_types_differ: bool = False,
    is_weak_alias: bool = False,
) -> int:
    """Return the score from the likeness of the names (0 to 100) and the other facts."""
    points = likeness + _BIRTH_POINTS[birth] + _COUNTRY_POINTS[country]
    points += _OTHER_TYPE_POINTS * party_types_differ + _WEAK_ALIAS_POINTS * is_weak_alias
    return max(0, min(SCORE_MAX, points))


def fact_points_max(subject: ScreeningSubject) -> int:
    """Return how many points this subject's facts can add at most."""
    birth = _BIRTH_POINTS[Agreement.AGREES] if subject.birth_date else 0
    return birth + (_COUNTRY_POINTS[Agreement.AGREES] if subject.countries else 0)
