"""Fuzzy search of listed names: an index of words, held in memory.

Names are compared word by word, in any order. Words that differ by one letter count as the same
word with a typing mistake. Names are as alike as the share of their words, weighed by rarity, that
occur in each other. Pure: built from the list's entries.
"""

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import log
from typing import NamedTuple

from rapidfuzz.distance import OSA

from app.screening.matching.name_normalization import name_words
from app.screening.rules import (
    SCORE_MAX,
    Agreement,
    BirthDateSpan,
    MatchedOn,
    PartyType,
    ScreeningSubject,
    compare_birth_dates,
    compare_countries,
    fact_points_max,
    total_score,
)

#: How strongly it counts when words of the searched or the listed name are missing in the other.
_SEARCHED_EXPONENT, _LISTED_EXPONENT = 0.45, 0.3
#: The weight of a word that occurs in nearly every name.
_WEIGHT_MIN = 0.25
#: Weights of words of one and of two letters.
_SHORT_WEIGHTS = {1: 0.3, 2: 0.6}
#: Factor for the family name of an individual, which is before the comma.
_FAMILY_FACTOR = 1.4
#: The number of letters from which a word may have two mistakes.
_LONG_WORD = 8
_WORDS_REMEMBERED = 20_000

NearWords = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class IndexedParty:
    """The searchable part of a listed party. `names`: kind (`name`, `aka`, …) and name."""

    number: int
    party_type: PartyType
    names: tuple[tuple[str, str], ...]
    birth_date_spans: tuple[BirthDateSpan, ...]
    countries: frozenset[str]


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry of the list that resembles a subject. `listed_name` is its most similar name."""

    entry_number: int
    listed_name: str
    matched_on: MatchedOn
    score: int
    birth: Agreement
    country: Agreement


class _IndexedName(NamedTuple):
    """A listed name: its words' numbers, how many of them are the family name, its count of
    letters.
    """

    party: int
    kind: str
    text: str
    words: tuple[int, ...]
    family: int
    letters: int


class _WeighedName(NamedTuple):
    """A listed name with the weights of its words."""

    party: int
    kind: str
    text: str
    words: tuple[int, ...]
    weights: tuple[float, ...]
    weight: float
    letters: int


@dataclass(frozen=True, slots=True)
class _SearchedName:
    """A searched name: its words' weights, the listed words near each, its count of letters."""

    weights: tuple[float, ...]
    near: tuple[Mapping[int, int], ...]
    weight: float
    letters: int


class NameIndex:
    """All names of one version of a list. Safe for use by several threads."""

    def __init__(self, parties: Iterable[IndexedParty]) -> None:
        self._parties = tuple(parties)
        self._numbers: dict[str, int] = {}
        self._words: list[str] = []
        # Arrays, not lists: the garbage collector does not traverse them.
        self._names_with_word: list[array[int]] = []
        self._words_by_deletion: dict[str, array[int]] = defaultdict(_empty_array)
        self._compound_words: dict[str, tuple[str, str]] = {}
        names = self._index_names()
        self._weights = self._weigh_words(len(names))
        self._names = [self._weigh_name(name) for name in names]
        self._near_words = lru_cache(_WORDS_REMEMBERED)(self._find_near_words)

    def find_hits(self, subject: ScreeningSubject, threshold: int) -> list[Hit]:
        """Return the entries whose best name scores `threshold` or more, best first."""
        likeness_min = max(1, threshold - fact_points_max(subject))
        best: dict[int, Hit] = {}
        for name in subject.names:
            for position, likeness in self._similar_names(name, likeness_min):
                hit = self._score_hit(self._names[position], likeness, subject)
                best_so_far = best.get(hit.entry_number)
                if hit.score >= threshold and (
                    best_so_far is None or hit.score > best_so_far.score
                ):
                    best[hit.entry_number] = hit
        return sorted(best.values(), key=lambda match: (-match.score, match.entry_number))

    def _score_hit(self, name: _WeighedName, likeness: int, subject: ScreeningSubject) -> Hit:
        party = self._parties[name.party]
        birth = Agreement.UNKNOWN
        if party.party_type is PartyType.INDIVIDUAL:
            birth = compare_birth_dates(subject.birth_date, party.birth_date_spans)
        country = compare_countries(subject.countries, party.countries)
        is_other = subject.party_type is not None and subject.party_type is not party.party_type
        score = total_score(
            likeness, birth, country, party_types_differ=is_other, is_weak_alias=name.kind == "weak"
        )
        return Hit(party.number, name.text, MatchedOn(name.kind), score, birth, country)

    def _similar_names(self, name: str, likeness_min: int) -> Iterable[tuple[int, int]]:
        """Return positions of listed names with their likeness, from `likeness_min` on."""
        best: dict[int, int] = {}
        for words in self._spellings(name_words(name)):
            searched = self._weigh_searched(words)
            for position in self._candidates(searched, likeness_min):
                likeness = _likeness(searched, self._names[position])
                if likeness >= likeness_min and likeness > best.get(position, 0):
                    best[position] = likeness
        return best.items()

    def _spellings(self, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Return the words as given, and with words split or joined as the list writes them."""
        spellings = [words] if words else []
        if any(word in self._compound_words for word in words):
            spellings.append(
                tuple(part for word in words for part in self._compound_words.get(word, (word,)))
            )
        joined: list[str] = []
        for word in words:
            if joined and joined[-1] + word in self._numbers:
                joined[-1] += word
            else:
                joined.append(word)
        if len(joined) < len(words):
            spellings.append(tuple(joined))
        return spellings

    def _weigh_searched(self, words: Sequence[str]) -> _SearchedName:
        weights = tuple(self._weight_of(word) for word in words)
        near = tuple(dict(self._near_words(word)) for word in words)
        return _SearchedName(weights, near, sum(weights), sum(map(len, words)))

    def _weight_of(self, word: str) -> float:
        number = self._numbers.get(word)
        return self._weights[number] if number is not None else _SHORT_WEIGHTS.get(len(word), 1.0)

    def _candidates(self, searched: _SearchedName, likeness_min: int) -> list[int]:
        """Return positions of names that contain enough of the searched words."""
        weights: dict[int, float] = defaultdict(float)
        for weight, near in zip(searched.weights, searched.near, strict=True):
            positions = {position for word in near for position in self._names_with_word[word]}
            for position in positions:
                weights[position] += weight
        weight_min = searched.weight * (likeness_min / SCORE_MAX) ** (1 / _SEARCHED_EXPONENT)
        return [position for position, weight in weights.items() if weight >= weight_min]

    def _find_near_words(self, word: str) -> NearWords:
        """Return listed words that equal this one or resemble it, with their number of mistakes."""
        candidates = {
            number
            for short in _deletions(word)
            for number in self._words_by_deletion.get(short, ())
        }
        near_words = []
        for number in candidates:
            listed_word = self._words[number]
            longer = max(len(word), len(listed_word))
            allowed = 0 if longer == 1 else 1 if longer < _LONG_WORD else 2
            mistakes = OSA.distance(word, listed_word, score_cutoff=allowed)
            if mistakes <= allowed:
                near_words.append((number, mistakes))
        return tuple(near_words)

    def _index_names(self) -> list[_IndexedName]:
        """Return the names with their words numbered."""
        names: list[_IndexedName] = []
        for position, party in enumerate(self._parties):
            for kind, text in party.names:
                words = name_words(text)
                if not words:
                    continue
                for first, second in pairwise(words):
                    self._compound_words.setdefault(first + second, (first, second))
                numbers = tuple(self._word_number(word) for word in words)
                for number in set(numbers):
                    self._names_with_word[number].append(len(names))
                family, comma, _ = text.partition(",")
                is_family = comma and party.party_type is PartyType.INDIVIDUAL
                count = len(name_words(family)) if is_family else 0
                names.append(
                    _IndexedName(position, kind, text, numbers, count, sum(map(len, words)))
                )
        for word in self._numbers:
            self._compound_words.pop(word, None)
        return names

    def _word_number(self, word: str) -> int:
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self._words)
            self._words.append(word)
            self._names_with_word.append(_empty_array())
            for short in _deletions(word):
                self._words_by_deletion[short].append(number)
        return number

    def _weigh_words(self, count: int) -> list[float]:
        """Return the weight of each word among so many names: the rarer, the more."""
        scale = log(count + 2)
        return [
            (_WEIGHT_MIN + (1 - _WEIGHT_MIN) * (1 - log(len(names) + 1) / scale))
            * _SHORT_WEIGHTS.get(len(word), 1.0)
            for word, names in zip(self._words, self._names_with_word, strict=True)
        ]

    def _weigh_name(self, name: _IndexedName) -> _WeighedName:
        weights = tuple(
            self._weights[word] * (_FAMILY_FACTOR if position < name.family else 1.0)
            for position, word in enumerate(name.words)
        )
        return _WeighedName(
            name.party, name.kind, name.text, name.words, weights, sum(weights), name.letters
        )


def _empty_array() -> "array[int]":
    return array("L")


def _deletions(word: str) -> Collection[str]:
    """Return the word, and the word without each of its letters.

    Two words that are one mistake apart share one of these.
    """
    return {word, *(word[:position] + word[position + 1 :] for position in range(len(word)))}


def _likeness(searched: _SearchedName, name: _WeighedName) -> int:
    """Return how alike two names are, 0 to 100, rounded down."""
    pairs = sorted(
        (mistakes, -name.weights[listed_position], searched_position, listed_position)
        for searched_position, near in enumerate(searched.near)
        for listed_position, word in enumerate(name.words)
        if (mistakes := near.get(word)) is not None
    )
    searched_taken: set[int] = set()
    listed_taken: set[int] = set()
    mistakes_made, searched_weight, listed_weight = 0, 0.0, 0.0
    for mistakes, negative_weight, searched_position, listed_position in pairs:
        if searched_position in searched_taken or listed_position in listed_taken:
            continue
        searched_taken.add(searched_position)
        listed_taken.add(listed_position)
        mistakes_made += mistakes
        searched_weight += searched.weights[searched_position]
        listed_weight -= negative_weight
    accuracy = 1 - mistakes_made / max(searched.letters, name.letters)
    searched_share = min(1.0, searched_weight / searched.weight) ** _SEARCHED_EXPONENT
    listed_share = min(1.0, listed_weight / name.weight) ** _LISTED_EXPONENT
    # Shares that add up to 1 may miss it by the last bit.
    return int(SCORE_MAX * max(0.0, accuracy) * searched_share * listed_share + 1e-9)
