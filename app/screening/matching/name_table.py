"""Listed names of one sort, people or companies, and the search among them.

Names that share enough words with the searched one are candidates, to be compared word by word.
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import log
from typing import NamedTuple

from app.screening.matching.name_forms import SERVANT, NameForm, NameWord
from app.screening.matching.near_words import GroupsOf, Near, NearWords, Spell
from app.screening.matching.spelling import sound

#: The weight of a word that occurs in nearly every name, and of one that no name has.
_WEIGHT_MIN, _WEIGHT_UNKNOWN = 0.1, 0.85
#: How much more a rare word weighs than a common one.
_RARITY = 0.9
#: Weights of words of one and of two letters.
_SHORT_WEIGHTS = {1: 0.3, 2: 0.6}
#: Factor for the family name of a person.
_FAMILY_FACTOR = 1.4
#: Words of a name that are compared; no name has more.
_WORDS_MAX = 24
#: Names that are compared word by word, the most similar ones.
_CANDIDATES_MAX = 250
#: Up to so many neighbours may be written as one word, of so many letters at least.
_JOINED_MAX, _JOINED_LETTERS_MIN, _PARTED_LETTERS_MIN = 3, 6, 4
_ARTICLE = re.compile("^[eu]l(?=.{3})")

#: Returns the likeness from the weights of what is shared, of the rest of the searched name, and of
#: the rest of the listed name.
LikenessOf = Callable[[float, float, float], float]


class ListedName(NamedTuple):
    """A listed name. `words` are numbers of words, `weights` theirs in this name."""

    party: int
    kind: str
    text: str
    words: tuple[int, ...]
    weights: tuple[float, ...]
    weight: float
    #: Bits of the words that tell which party it is.
    distinctive: int


class SearchedSpan(NamedTuple):
    """One word of a searched name, or neighbours written as one, with the listed words near it."""

    start: int
    length: int
    text: str
    near: Near

    @property
    def bits(self) -> int:
        """The places of its words."""
        return ((1 << self.length) - 1) << self.start


class JoinedWords(NamedTuple):
    """Neighbours in a listed name that are one word of the searched name."""

    span: int
    #: The places of the listed words.
    bits: int
    mistakes: float


class SearchedName(NamedTuple):
    """A searched name, and by positions of listed names the words in them that it joins."""

    words: tuple[NameWord, ...]
    weights: tuple[float, ...]
    spans: tuple[SearchedSpan, ...]
    joined: Mapping[int, Sequence[JoinedWords]]

    @property
    def initials(self) -> int:
        """How many of its words are single letters."""
        return sum(len(word.text) == 1 for word in self.words)


class _AddedName(NamedTuple):
    party: int
    kind: str
    text: str
    form: NameForm
    words: tuple[int, ...]


class NameTable:
    """The names of one sort of parties. Safe for use by several threads once it is built."""

    def __init__(self, groups_of: GroupsOf) -> None:
        self.words = NearWords(groups_of)
        self.names: list[ListedName] = []
        self._added: list[_AddedName] = []
        # Arrays, not lists: the garbage collector does not traverse them.
        self._names_with_word: dict[int, array[int]] = defaultdict(_empty_array)
        self._weights: list[float] = []
        #: Names by their words in alphabetical order: an equal name is always a candidate.
        self._equal: dict[tuple[str, ...], list[int]] = defaultdict(list)
        #: By sound, and by number of the word: positions of names, and bits of the joined words.
        self._joined: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._joined_servants: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def add(
        self, party: int, kind: str, text: str, form: NameForm, spell: Spell | None = None
    ) -> None:
        """Add a listed name. `spell` returns one spelling of its syllables, if it has such."""
        if not form.words:
            return
        position = len(self._added)
        numbers = tuple(self.words.add(word.text, spell) for word in form.words)
        for number in set(numbers):
            self._names_with_word[number].append(position)
        self._equal[_sorted_words(form.words)].append(position)
        self._index_joined(position, form)
        self._added.append(_AddedName(party, kind, text, form, numbers))

    def build(self) -> None:
        """Make the added names searchable."""
        self.words.build()
        scale = log(len(self._added) + 2)
        self._weights = [
            max(_WEIGHT_MIN, 1 - log(self._count_names(number) + 1) / scale) ** _RARITY
            * _SHORT_WEIGHTS.get(len(word), 1.0)
            for number, word in enumerate(self.words.texts)
        ]
        self.names = [self._weigh_name(added) for added in self._added]
        self._added = []

    def _weigh_name(self, added: _AddedName) -> ListedName:
        places = list(enumerate(zip(added.words, added.form.words, strict=True)))
        weights = tuple(
            self._weights[number]
            * word.factor
            * (_FAMILY_FACTOR if place < added.form.family else 1.0)
            for place, (number, word) in places
        )
        distinctive = sum(1 << place for place, (_, word) in places if word.factor >= 1)
        return ListedName(
            added.party, added.kind, added.text, added.words, weights, sum(weights), distinctive
        )

    def _count_names(self, number: int) -> int:
        """Return in how many names a word occurs, in any spelling."""
        spellings = self.words.spellings_of(number)
        return sum(len(self._names_with_word.get(spelling, ())) for spelling in spellings)

    def _index_joined(self, position: int, form: NameForm) -> None:
        """Remember neighbours as one word, as others may write them; given names also go first."""
        texts = [word.text for word in form.words]
        count = len(texts)
        for length in range(2, min(_JOINED_MAX, count) + 1):
            for start in range(count - length + 1):
                bits = ((1 << length) - 1) << start
                key = sound("".join(texts[start : start + length]))
                self._joined[key].append((position, bits))
        if 0 < form.family < count:
            self._joined[sound(texts[-1] + texts[0])].append((position, 1 << count - 1 | 1))
        for start, text in enumerate(texts[:-1]):
            if text == SERVANT:
                number = self.words.add(text + texts[start + 1])
                self._joined_servants[number].append((position, 3 << start))

    def search(self, form: NameForm, *, omits_vowels: bool, mistyped: bool = True) -> SearchedName:
        """Return a searched name with all that is near its words, which may be mistyped."""
        words = form.words[:_WORDS_MAX]
        spans = [
            SearchedSpan(
                place,
                1,
                word.text,
                self.words.near(word.text, omits_vowels=omits_vowels, mistyped=mistyped),
            )
            for place, word in enumerate(words)
        ]
        spans += self._joined_spans(words)
        joined: dict[int, list[JoinedWords]] = defaultdict(list)
        for place, span in enumerate(spans[: len(words)]):
            for position, bits, mistakes in self._parted(span):
                joined[position].append(JoinedWords(place, bits, mistakes))
        return SearchedName(words, tuple(map(self._weigh, words)), tuple(spans), joined)

    def _joined_spans(self, words: Sequence[NameWord]) -> list[SearchedSpan]:
        spans = []
        for length in range(2, min(_JOINED_MAX, len(words)) + 1):
            for start in range(len(words) - length + 1):
                text = "".join(word.text for word in words[start : start + length])
                near = self.words.sounding_like(text) if len(text) >= _JOINED_LETTERS_MIN else {}
                if near:
                    spans.append(SearchedSpan(start, length, text, near))
        return spans

    def _parted(self, span: SearchedSpan) -> Iterable[tuple[int, int, float]]:
        """Yield what a word joins: positions of names, bits of their words, mistakes."""
        if len(span.text) >= _PARTED_LETTERS_MIN:
            for position, bits in self._joined.get(sound(_ARTICLE.sub("al", span.text)), ()):
                yield position, bits, 0.0
        for number, mistakes in span.near.items():
            for position, bits in self._joined_servants.get(number, ()):
                yield position, bits, mistakes

    def _weigh(self, word: NameWord) -> float:
        number = self.words.number_of(word.text)
        if number is not None:
            return self._weights[number] * word.factor
        return _WEIGHT_UNKNOWN * _SHORT_WEIGHTS.get(len(word.text), 1.0) * word.factor

    def candidates(
        self, searched: SearchedName, likeness_of: LikenessOf, likeness_min: float
    ) -> list[int]:
        """Return positions of the names that may be alike, as far as weights of words tell."""
        left_over: dict[int, float] = {}
        ranked, initials = [], searched.initials
        for position, (weight, bits) in self._shared(searched).items():
            left = left_over.get(bits)
            if left is None:
                left = left_over[bits] = _weight_left(searched, bits)
            # The family name weighs more, and initials may stand for what is missing.
            shared = weight * _FAMILY_FACTOR
            missing = max(0.0, self.names[position].weight - shared - initials)
            likeness = likeness_of(shared, left, missing)
            if likeness >= likeness_min:
                ranked.append((likeness, position))
        if len(ranked) > _CANDIDATES_MAX:
            ranked.sort(reverse=True)
        similar = [position for _, position in ranked[:_CANDIDATES_MAX]]
        return list({*self._equal.get(_sorted_words(searched.words), ()), *similar})

    def _shared(self, searched: SearchedName) -> dict[int, tuple[float, int]]:
        """Return for each name the weight of searched words that it has, and their bits."""
        shared: dict[int, tuple[float, int]] = {}
        for span in searched.spans:
            best: dict[int, float] = {}
            for number in span.near:
                weight = self._weights[number]
                for position in self._names_with_word.get(number, ()):
                    if weight > best.get(position, 0.0):
                        best[position] = weight
            _add_shared(shared, span, best)
        for position, parts in searched.joined.items():
            for part in parts:
                _add_shared(shared, searched.spans[part.span], {position: 1.0})
        return shared


def _sorted_words(words: Iterable[NameWord]) -> tuple[str, ...]:
    return tuple(sorted(word.text for word in words))


def _add_shared(
    shared: dict[int, tuple[float, int]], span: SearchedSpan, found: Mapping[int, float]
) -> None:
    bits = span.bits
    for position, weight in found.items():
        weight_so_far, bits_so_far = shared.get(position, (0.0, 0))
        if not bits_so_far & bits:
            shared[position] = weight_so_far + weight, bits_so_far | bits


def _weight_left(searched: SearchedName, bits: int) -> float:
    return sum(
        weight
        for place, (word, weight) in enumerate(zip(searched.words, searched.weights, strict=True))
        if not bits >> place & 1 and len(word.text) > 1
    )


def _empty_array() -> "array[int]":
    return array("L")
