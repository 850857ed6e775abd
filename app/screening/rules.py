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

    `names` are all names that they use; `countries` those of citizenship or registration and
    `residences` those where they live, as ISO 3166-1 alpha-2 codes; `numbers` those of passports,
    identity cards, tax and registration. Unknown facts are left out and do not change the score.
    """

    names: tuple[str, ...]
    birth_date: date | None = None
    countries: frozenset[str] = frozenset()
    party_type: PartyType | None = None
    residences: frozenset[str] = frozenset()
    numbers: tuple[str, ...] = ()


class Verdict(StatusEnum):
    """The result of a screening. Only `CLEAR` passes."""

    CLEAR = "clear", "Clear", Mark.DONE
    """No hits, or only hits that were decided to be false positives."""
    REVIEW = "review", "Needs review", Mark.REVIEW
    """At least one hit is undecided."""
    INCOMPLETE = "incomplete", "Needs another fact", Mark.WAITING
    """A hit by name alone, of a person who may move nothing before their verification brings the
    birth date and residence, and screens them with these."""
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
    NUMBER = "number", "Number"
    """Of a passport, an identity card, a tax payer, a company."""


class Agreement(LabelledEnum):
    """How a fact of the subject compares with the list."""

    EQUAL = "equal", "Equal"
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
    company_threshold: int = setting(
        "Hit from, for companies",
        75,
        minimum=50,
        maximum=100,
        unit="of 100",
        about="The same for names of companies, which have more words in common.",
    )

    def threshold_for(self, party_type: PartyType | None, *, is_person: bool) -> int:
        """Return the threshold for a subject of this type and a listed person or company."""
        if party_type is PartyType.INDIVIDUAL or (party_type is None and is_person):
            return self.threshold
        return self.company_threshold

    def recorded_threshold(self, party_type: PartyType | None) -> int:
        """Return the lowest score that is a hit for a subject of this type."""
        return min(
            self.threshold_for(party_type, is_person=is_person) for is_person in (True, False)
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
    Agreement.EQUAL: 20,
    Agreement.AGREES: 8,
    Agreement.NEAR: 0,
    Agreement.DIFFERS: -11,
    Agreement.UNKNOWN: 0,
}
_COUNTRY_POINTS = {
    Agreement.EQUAL: 2,
    Agreement.AGREES: 2,
    Agreement.NEAR: 0,
    Agreement.DIFFERS: -5,
    Agreement.UNKNOWN: 0,
}
#: Another birth date of a person whose name many people have.
_COMMON_NAME_POINTS = -7
#: The subject is a person and the listed party a company, or the reverse.
_OTHER_TYPE_POINTS = -10
#: For nicknames that the list itself calls weak.
_WEAK_ALIAS_POINTS = -5


def compare_birth_dates(birth_date: date | None, spans: Collection[BirthDateSpan]) -> Agreement:
    """Compare a birth date with the spans that are listed. Only a listed day can be equal."""
    if birth_date is None or not spans:
        return Agreement.UNKNOWN
    if any(span.first == birth_date == span.last for span in spans):
        return Agreement.EQUAL
    if any(span.first <= birth_date <= span.last for span in spans):
        return Agreement.AGREES
    if any(
        span.first.year - _YEARS_NEAR <= birth_date.year <= span.last.year + _YEARS_NEAR
        for span in spans
    ):
        return Agreement.NEAR
    return Agreement.DIFFERS


def compare_countries(
    subject: ScreeningSubject, listed: Collection[str], nationalities: Collection[str]
) -> Agreement:
    """Return whether they have a country in common.

    Another country of residence contradicts nothing, and a nationality only a listed one.
    """
    if not (subject.countries | subject.residences).isdisjoint(listed):
        return Agreement.AGREES
    if subject.countries and nationalities:
        return Agreement.DIFFERS
    return Agreement.UNKNOWN


def total_score(
    likeness: int,
    birth: Agreement,
    country: Agreement,
    *,
    party_types_differ: bool = False,
    is_weak_alias: bool = False,
    is_common_name: bool = False,
) -> int:
    """Return the score from the likeness of the names (0 to 100) and the other facts.

    Of people with a common name, another birth date tells more. Where the birth date is equal to
    the day, another country takes nothing away.
    """
    if birth is Agreement.EQUAL and country is Agreement.DIFFERS:
        country = Agreement.UNKNOWN
    points = likeness + _BIRTH_POINTS[birth] + _COUNTRY_POINTS[country]
    if is_common_name and birth is Agreement.DIFFERS:
        points += _COMMON_NAME_POINTS
    points += _OTHER_TYPE_POINTS * party_types_differ + _WEAK_ALIAS_POINTS * is_weak_alias
    return max(0, min(SCORE_MAX, points))


def fact_points_max(subject: ScreeningSubject) -> int:
    """Return how many points this subject's facts can add at most."""
    birth = _BIRTH_POINTS[Agreement.EQUAL] if subject.birth_date else 0
    has_country = subject.countries or subject.residences
    return birth + (_COUNTRY_POINTS[Agreement.AGREES] if has_country else 0)
