"""Finding listed names that are like a name: an index of words, held in memory.

A name is compared word by word, in whatever order. Words that nearly all of one letter apart are
the same word with a typing mistake; names are alike to the degree in which their words, weighed by
how rare they are, are found in each other. Pure: built from the list's entries.
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

from app.screening.matching.names import words_of
from app.screening.rules import (
    SCORE_MAX,
    Agreement,
    Born,
    Named,
    Sort,
    compare_births,
    compare_countries,
    points_above_likeness,
    total,
)

#: How much it counts when words of the searched, and of the listed name, are missing in the other.
_SEARCHED_EXPONENT, _LISTED_EXPONENT = 0.45, 0.3
#: The least that a word weighs, which stands in nearly every name.
_WEIGHT_MIN = 0.25
#: Of words of one and of two letters.
_SHORT_WEIGHTS = {1: 0.3, 2: 0.6}
#: Of the family name of an individual: it stands before the comma.
_FAMILY_FACTOR = 1.4
#: From so many letters on, a word may have two mistakes.
_LONG_WORD = 8
_WORDS_REMEMBERED = 20_000

Near = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Party:
    """A listed party, as far as it is compared. `names`: kind (`name`, `aka`, …) and name."""

    number: int
    sort: Sort
    names: tuple[tuple[str, str], ...]
    births: tuple[Born, ...]
    countries: frozenset[str]


@dataclass(frozen=True, slots=True)
class Match:
    """An entry of the list that is like a subject. `listed` is the name that is most alike."""

    entry_number: int
    listed: str
    matched: str
    score: int
    birth: Agreement
    country: Agreement


class _Read(NamedTuple):
    """A listed name: the numbers of its words, how many of them are the family name, and its
    letters' count."""

    party: int
    kind: str
    text: str
    words: tuple[int, ...]
    family: int
    letters: int


class _Name(NamedTuple):
    """The same with its words weighed."""

    party: int
    kind: str
    text: str
    words: tuple[int, ...]
    weights: tuple[float, ...]
    weight: float
    letters: int


@dataclass(frozen=True, slots=True)
class _Searched:
    """A searched name: its words' weights, what listed words each is near, its letters' count."""

    weights: tuple[float, ...]
    near: tuple[Mapping[int, int], ...]
    weight: float
    letters: int


class Index:
    """All names of one version of a list. Safe to be used by several threads."""

    def __init__(self, parties: Iterable[Party]) -> None:
        self._parties = tuple(parties)
        self._numbers: dict[str, int] = {}
        self._words: list[str] = []
        # Arrays and not lists: the garbage collector need not look into a hundred thousand of them.
        self._with_word: list[array[int]] = []
        self._shortened: dict[str, array[int]] = defaultdict(_numbers)
        self._halves: dict[str, tuple[str, str]] = {}
        names = self._read()
        self._weights = self._weigh(len(names))
        self._names = [self._weighed(name) for name in names]
        self._near = lru_cache(_WORDS_REMEMBERED)(self._find_near)

    def find(self, subject: Named, threshold: int) -> list[Match]:
        """The entries whose best name scores `threshold` or more, best first."""
        least = max(1, threshold - points_above_likeness(subject))
        best: dict[int, Match] = {}
        for name in subject.names:
            for place, likeness in self._alike(name, least):
                match = self._match(self._names[place], likeness, subject)
                before = best.get(match.entry_number)
                if match.score >= threshold and (before is None or match.score > before.score):
                    best[match.entry_number] = match
        return sorted(best.values(), key=lambda match: (-match.score, match.entry_number))

    def _match(self, name: _Name, likeness: int, subject: Named) -> Match:
        party = self._parties[name.party]
        birth = Agreement.UNKNOWN
        if party.sort is Sort.INDIVIDUAL:
            birth = compare_births(subject.born, party.births)
        country = compare_countries(subject.countries, party.countries)
        is_other = subject.sort is not None and subject.sort is not party.sort
        score = total(likeness, birth, country, other_sort=is_other, weak=name.kind == "weak")
        return Match(party.number, name.text, name.kind, score, birth, country)

    def _alike(self, name: str, least: int) -> Iterable[tuple[int, int]]:
        """Places of listed names, and how alike they are, from `least` on."""
        best: dict[int, int] = {}
        for words in self._spellings(words_of(name)):
            searched = self._searched(words)
            for place in self._candidates(searched, least):
                likeness = _likeness(searched, self._names[place])
                if likeness >= least and likeness > best.get(place, 0):
                    best[place] = likeness
        return best.items()

    def _spellings(self, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The words as given; and with those taken apart, or together, that the list writes so."""
        found = [words] if words else []
        if any(word in self._halves for word in words):
            found.append(tuple(part for word in words for part in self._halves.get(word, (word,))))
        together: list[str] = []
        for word in words:
            if together and together[-1] + word in self._numbers:
                together[-1] += word
            else:
                together.append(word)
        if len(together) < len(words):
            found.append(tuple(together))
        return found

    def _searched(self, words: Sequence[str]) -> _Searched:
        weights = tuple(self._weight_of(word) for word in words)
        near = tuple(dict(self._near(word)) for word in words)
        return _Searched(weights, near, sum(weights), sum(map(len, words)))

    def _weight_of(self, word: str) -> float:
        number = self._numbers.get(word)
        return self._weights[number] if number is not None else _SHORT_WEIGHTS.get(len(word), 1.0)

    def _candidates(self, searched: _Searched, least: int) -> list[int]:
        """Names that hold enough of the searched words to be alike."""
        held: dict[int, float] = defaultdict(float)
        for weight, near in zip(searched.weights, searched.near, strict=True):
            places = {place for word in near for place in self._with_word[word]}
            for place in places:
                held[place] += weight
        needed = searched.weight * (least / SCORE_MAX) ** (1 / _SEARCHED_EXPONENT)
        return [place for place, weight in held.items() if weight >= needed]

    def _find_near(self, word: str) -> Near:
        """Listed words that this one is, or could be meant to be, with the number of mistakes."""
        candidates = {
            number for short in _shortened(word) for number in self._shortened.get(short, ())
        }
        found = []
        for number in candidates:
            listed = self._words[number]
            longer = max(len(word), len(listed))
            allowed = 0 if longer == 1 else 1 if longer < _LONG_WORD else 2
            mistakes = OSA.distance(word, listed, score_cutoff=allowed)
            if mistakes <= allowed:
                found.append((number, mistakes))
        return tuple(found)

    def _read(self) -> list[_Read]:
        """The names with their words numbered."""
        names: list[_Read] = []
        for place, party in enumerate(self._parties):
            for kind, text in party.names:
                words = words_of(text)
                if not words:
                    continue
                for first, second in pairwise(words):
                    self._halves.setdefault(first + second, (first, second))
                numbers = tuple(self._number(word) for word in words)
                for number in set(numbers):
                    self._with_word[number].append(len(names))
                family, comma, _ = text.partition(",")
                is_family = comma and party.sort is Sort.INDIVIDUAL
                count = len(words_of(family)) if is_family else 0
                names.append(_Read(place, kind, text, numbers, count, sum(map(len, words))))
        for word in self._numbers:
            self._halves.pop(word, None)
        return names

    def _number(self, word: str) -> int:
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self._words)
            self._words.append(word)
            self._with_word.append(_numbers())
            for short in _shortened(word):
                self._shortened[short].append(number)
        return number

    def _weigh(self, count: int) -> list[float]:
        """How much each word says, among so many names: the rarer, the more."""
        scale = log(count + 2)
        return [
            (_WEIGHT_MIN + (1 - _WEIGHT_MIN) * (1 - log(len(names) + 1) / scale))
            * _SHORT_WEIGHTS.get(len(word), 1.0)
            for word, names in zip(self._words, self._with_word, strict=True)
        ]

    def _weighed(self, name: _Read) -> _Name:
        weights = tuple(
            self._weights[word] * (_FAMILY_FACTOR if place < name.family else 1.0)
            for place, word in enumerate(name.words)
        )
        return _Name(
            name.party, name.kind, name.text, name.words, weights, sum(weights), name.letters
        )


def _numbers() -> "array[int]":
    return array("L")


def _shortened(word: str) -> Collection[str]:
    """The word, and the word without each of its letters: two that are one mistake apart have one
    of these in common."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def _likeness(searched: _Searched, name: _Name) -> int:
    """How alike two names are, 0 to 100, rounded down."""
    pairs = sorted(
        (mistakes, -name.weights[there], here, there)
        for here, near in enumerate(searched.near)
        for there, word in enumerate(name.words)
        if (mistakes := near.get(word)) is not None
    )
    here_taken: set[int] = set()
    there_taken: set[int] = set()
    mistakes_made, here_held, there_held = 0, 0.0, 0.0
    for mistakes, negative_weight, here, there in pairs:
        if here in here_taken or there in there_taken:
            continue
        here_taken.add(here)
        there_taken.add(there)
        mistakes_made += mistakes
        here_held += searched.weights[here]
        there_held -= negative_weight
    right = 1 - mistakes_made / max(searched.letters, name.letters)
    here_share = min(1.0, here_held / searched.weight) ** _SEARCHED_EXPONENT
    there_share = min(1.0, there_held / name.weight) ** _LISTED_EXPONENT
    # What adds up to the whole may miss it by the last bit.
    return int(SCORE_MAX * max(0.0, right) * here_share * there_share + 1e-9)
