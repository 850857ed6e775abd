"""Who is screened, what comes of it, and how birth dates and countries count."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

SCORE_MAX = 100
#: In place of an entry's number, for a name that cannot be compared with any.
UNCOMPARABLE_ENTRY = 0


class PartyType(StrEnum):
    """What a party is."""

    INDIVIDUAL = "individual"
    ENTITY = "entity"
    VESSEL = "vessel"
    AIRCRAFT = "aircraft"


@dataclass(frozen=True, slots=True)
class ScreeningSubject:
    """A person or company to be screened, as they give themselves.

    `names` are all that they go by; `countries` those of citizenship, residence or registration, by
    ISO 3166-1 alpha-2. What is not known is left out, and then neither speaks for nor against.
    """

    names: tuple[str, ...]
    birth_date: date | None = None
    countries: frozenset[str] = frozenset()
    party_type: PartyType | None = None


class Verdict(StrEnum):
    """What a screening says. Only `CLEAR` lets pass."""

    CLEAR = "clear"
    """Nothing was found, or nothing that was not decided to be somebody else."""
    REVIEW = "review"
    """Something was found, and nobody has decided yet."""
    BLOCKED = "blocked"
    """It was decided that this is a listed party."""


class Agreement(StrEnum):
    """How something known of both compares."""

    AGREES = "agrees"
    NEAR = "near"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ScreeningRules:
    """`threshold`: the score of 100 from which on something is found."""

    threshold: int = 85


@dataclass(frozen=True, slots=True)
class BirthDateSpan:
    """A span of days in which a listed person was born, as the list knows it."""

    first: date
    last: date


#: A list that knows a year or a "circa" may be so many years off.
_YEARS_NEAR = 1
#: What known facts add to the score of a name. A name alone that is written just so stays found
#: when one fact differs; when both do, it is somebody else.
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
#: A person has the name of a company, or the reverse.
_OTHER_TYPE_POINTS = -10
#: Nicknames that the list itself calls weak.
_WEAK_ALIAS_POINTS = -5


def compare_birth_dates(birth_date: date | None, spans: Collection[BirthDateSpan]) -> Agreement:
    """Whether somebody born on that day can be somebody born in one of these spans."""
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
    """Whether they have a country in common."""
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
    """The score out of how alike the names are (0 to 100) and what else is known."""
    points = likeness + _BIRTH_POINTS[birth] + _COUNTRY_POINTS[country]
    points += _OTHER_TYPE_POINTS * party_types_differ + _WEAK_ALIAS_POINTS * is_weak_alias
    return max(0, min(SCORE_MAX, points))


def fact_points_max(subject: ScreeningSubject) -> int:
    """How many points the facts known of this subject can add at most."""
    birth = _BIRTH_POINTS[Agreement.AGREES] if subject.birth_date else 0
    return birth + (_COUNTRY_POINTS[Agreement.AGREES] if subject.countries else 0)
