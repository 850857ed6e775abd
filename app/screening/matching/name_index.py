"""Fuzzy search of listed parties by name, with what is known about them besides.

People and companies are compared in ways of their own (`name_forms`, `name_table`, `comparison`).
Pure: built from the list's entries.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from app.screening.lists.sdn_numbers import number_key
from app.screening.matching.comparison import Likeness, compare_names, likeness_of_weights
from app.screening.matching.name_forms import NameForm, company_form, person_form
from app.screening.matching.name_normalization import omits_vowels
from app.screening.matching.name_table import NameTable
from app.screening.matching.syllables import chinese, korean
from app.screening.matching.vocabulary import groups_of_name, signs_of
from app.screening.rules import (
    SCORE_MAX,
    Agreement,
    BirthDateSpan,
    MatchedOn,
    PartyType,
    ScreeningRules,
    ScreeningSubject,
    compare_birth_dates,
    compare_countries,
    fact_points_max,
    total_score,
)


@dataclass(frozen=True, slots=True)
class IndexedParty:
    """The searchable part of a listed party. `names`: kind (`name`, `aka`, …) and name.

    `countries` are those of nationality, birth, residence and identity documents.
    """

    number: int
    party_type: PartyType
    names: tuple[tuple[str, str], ...]
    birth_date_spans: tuple[BirthDateSpan, ...]
    countries: frozenset[str]
    nationalities: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry of the list that resembles a subject. `listed_name` is its most similar name."""

    entry_number: int
    listed_name: str
    matched_on: MatchedOn
    score: int
    birth: Agreement
    country: Agreement
    number: Agreement = Agreement.UNKNOWN
    #: How alike the names are, before the other facts; None if none was compared.
    likeness: int | None = None


def _spelling_of(countries: frozenset[str]) -> Callable[[str], str] | None:
    if countries & {"KP", "KR"}:
        return korean
    return chinese if countries & {"CN", "TW", "HK", "MO", "SG"} else None


class NameIndex:
    """All names of one version of a list. Safe for use by several threads."""

    def __init__(self, parties: Iterable[IndexedParty]) -> None:
        self._parties = tuple(parties)
        self._people = NameTable(groups_of_name)
        self._others = NameTable(signs_of)
        for position, party in enumerate(self._parties):
            is_person = party.party_type is PartyType.INDIVIDUAL
            for kind, text in party.names:
                if is_person:
                    spell = _spelling_of(party.countries)
                    self._people.add(position, kind, text, person_form(text), spell)
                else:
                    self._others.add(position, kind, text, company_form(text))
        self._people.build()
        self._others.build()
        self._places_by_number: dict[str, list[int]] = defaultdict(list)
        for position, party in enumerate(self._parties):
            for key in party.numbers:
                self._places_by_number[key].append(position)

    def find_hits(self, subject: ScreeningSubject, rules: ScreeningRules) -> list[Hit]:
        """Return the entries whose best name scores the threshold or more, best first."""
        best = self._hits_by_number(subject)
        for name in subject.names:
            for table, form in self._forms(name):
                for hit in self._hits(subject, name, table, form, rules):
                    best_so_far = best.get(hit.entry_number)
                    if best_so_far is None or hit.score > best_so_far.score:
                        best[hit.entry_number] = hit
                    elif best_so_far.number is Agreement.EQUAL:
                        # The name as well.
                        best[hit.entry_number] = replace(
                            hit, score=SCORE_MAX, number=Agreement.EQUAL
                        )
        return sorted(best.values(), key=lambda hit: (-hit.score, hit.entry_number))

    def _hits_by_number(self, subject: ScreeningSubject) -> dict[int, Hit]:
        """Return a hit for each party with a number of the subject, whatever its name."""
        hits = {}
        for key in map(number_key, subject.numbers):
            for place in self._places_by_number.get(key, ()):
                party = self._parties[place]
                birth, country = self._compare_facts(party, subject)
                hits[party.number] = Hit(
                    party.number,
                    party.names[0][1],
                    MatchedOn.NUMBER,
                    SCORE_MAX,
                    birth,
                    country,
                    Agreement.EQUAL,
                )
        return hits

    @staticmethod
    def _compare_facts(
        party: IndexedParty, subject: ScreeningSubject
    ) -> tuple[Agreement, Agreement]:
        birth = Agreement.UNKNOWN
        if party.party_type is PartyType.INDIVIDUAL:
            birth = compare_birth_dates(subject.birth_date, party.birth_date_spans)
        return birth, compare_countries(subject, party.countries, party.nationalities)

    def _forms(self, name: str) -> list[tuple[NameTable, NameForm]]:
        return [(self._people, person_form(name)), (self._others, company_form(name))]

    def _hits(
        self,
        subject: ScreeningSubject,
        name: str,
        table: NameTable,
        form: NameForm,
        rules: ScreeningRules,
    ) -> list[Hit]:
        is_person = table is self._people
        threshold = rules.threshold_for(subject.party_type, is_person=is_person)
        likeness_min = max(1, threshold - fact_points_max(subject))
        # A person with the name of a company, or the reverse, has to have nearly all of it.
        is_other = (
            subject.party_type is not None
            and (subject.party_type is PartyType.INDIVIDUAL) is not is_person
        )
        searched = table.search(form, omits_vowels=omits_vowels(name), mistyped=not is_other)
        hits = []
        for position in table.candidates(searched, likeness_of_weights, likeness_min):
            alike = compare_names(table, searched, position)
            if alike.points >= likeness_min:
                listed = table.names[position]
                hit = self._score_hit(listed.party, listed.kind, listed.text, alike, subject)
                if hit.score >= threshold:
                    hits.append(hit)
        return hits

    def _score_hit(
        self, place: int, kind: str, text: str, alike: Likeness, subject: ScreeningSubject
    ) -> Hit:
        party = self._parties[place]
        birth, country = self._compare_facts(party, subject)
        is_other = subject.party_type is not None and subject.party_type is not party.party_type
        score = total_score(
            alike.points,
            birth,
            country,
            party_types_differ=is_other,
            is_weak_alias=kind == "weak",
            is_common_name=alike.is_common,
        )
        return Hit(
            party.number, text, MatchedOn(kind), score, birth, country, likeness=alike.points
        )
