"""The words of listed names, and those of them that are near a searched word.

A searched word finds words that equal it, are another spelling of the same name, sound like it, or
differ by few letters.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from app.screening.matching.spelling import (
    consonants,
    count_mistakes,
    long_vowels_missing,
    mistakes_allowed,
    sound,
    without_vowels,
)
from app.screening.matching.syllables import chinese, korean
from app.screening.matching.vocabulary import without_vowels_mark

#: What counts as so many mistakes: another romanisation of a syllable; another spelling of the same
#: name, and a short one, which several names may have; a word in a script without short vowels, and
#: each long vowel that the other has not.
_SYLLABLE_MISTAKE, _GROUP_MISTAKE, _SHORT_GROUP_MISTAKE, _SCRIPT_MISTAKE = 0.35, 0.15, 0.5, 0.5
_SHORT_SPELLING, _CONSONANTS_MIN = 5, 2
#: Sounds of fewer letters differ by one, by two, and longer ones by three at most.
_SHORT_SOUND, _MEDIUM_SOUND = 4, 9
#: Words of up to six letters, or from nine on, may sound quite different with one or two mistyped.
_SHORT_WORD, _LONG_WORD = 6, 9
#: How many letters of a long word may be mistyped.
_LETTERS = 2
_WORDS_REMEMBERED = 20_000
_MANY = 9.0

#: Numbers of listed words with the number of mistakes in them.
Near = Mapping[int, float]
Spell = Callable[[str], str]
GroupsOf = Callable[[str], Sequence[int]]


class NearWords:
    """Words by number. Add all, then build; safe for use by several threads from then on."""

    def __init__(self, groups_of: GroupsOf) -> None:
        self._groups_of = groups_of
        self._numbers: dict[str, int] = {}
        self.texts: list[str] = []
        self._by_sound: dict[str, list[int]] = defaultdict(list)
        self._sounds_by_length: dict[int, list[str]] = defaultdict(list)
        self._by_consonants: dict[str, list[int]] = defaultdict(list)
        self._by_length: dict[int, list[int]] = defaultdict(list)
        self._texts_by_length: dict[int, list[str]] = {}
        self._by_deletion: dict[str, array[int]] = defaultdict(lambda: array("L"))
        self._by_group: dict[int, list[int]] = defaultdict(list)
        self._by_syllables: dict[tuple[Spell, str], set[int]] = defaultdict(set)
        self._without_vowels: dict[str, list[int]] = defaultdict(list)
        self._remembered = lru_cache(_WORDS_REMEMBERED)(self._find_near)

    def add(self, word: str, spell: Spell | None = None) -> int:
        """Return the number of a word. `spell` returns one spelling of its syllables."""
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self.texts)
            self.texts.append(word)
        spelt = spell(word) if spell else ""
        if spell and spelt:
            self._by_syllables[(spell, spelt)].add(number)
        return number

    def build(self) -> None:
        """Make the added words searchable."""
        for number, word in enumerate(self.texts):
            sounded = sound(word)
            if sounded not in self._by_sound:
                self._sounds_by_length[len(sounded)].append(sounded)
            self._by_sound[sounded].append(number)
            self._by_consonants[consonants(sounded)].append(number)
            if len(word) <= _SHORT_WORD + 1:
                for text in _deletions(word):
                    self._by_deletion[text].append(number)
            else:
                self._by_length[len(word)].append(number)
            self._without_vowels[without_vowels(word)].append(number)
            for group in self._groups_of(word):
                self._by_group[group].append(number)
        for length, numbers in self._by_length.items():
            self._texts_by_length[length] = [self.texts[number] for number in numbers]

    def number_of(self, word: str) -> int | None:
        """Return the number of a listed word."""
        return self._numbers.get(word)

    def spellings_of(self, number: int) -> set[int]:
        """Return the words that sound like this one or are spellings of the same name."""
        word = self.texts[number]
        spellings = set(self._by_sound[sound(word)])
        for group in self._groups_of(word):
            spellings.update(self._by_group[group])
        return spellings

    def near(self, word: str, *, omits_vowels: bool, mistyped: bool) -> Near:
        """Return the listed words near this one; it may be of a script without short vowels.

        If it is not `mistyped`, only words that sound the same and other spellings are near.
        """
        return self._remembered(word, omits_vowels, mistyped)

    def sounding_like(self, text: str) -> Near:
        """Return the listed words that sound exactly like this text."""
        near = {
            number: count_mistakes(text, self.texts[number])
            for number in self._by_sound.get(sound(text), ())
        }
        self._add_syllables(text, near)
        return near

    def _find_near(self, word: str, omits_vowels: bool, mistyped: bool) -> Near:  # noqa: FBT001 - of a cache
        near: dict[int, float] = {}
        self._add_group(word, near, omits_vowels=omits_vowels)
        if omits_vowels:
            self._add_without_vowels(word, near)
        elif not mistyped:
            self._add_if_near(word, self._by_sound.get(sound(word), ()), near)
        elif len(word) > 1:
            self._add_by_sound(word, near)
            if not _SHORT_WORD < len(word) < _LONG_WORD:
                self._add_by_letters(word, near)
        self._add_syllables(word, near)
        own = self._numbers.get(word)
        if own is not None:
            near[own] = 0.0
        return near

    def _add_group(self, word: str, near: dict[int, float], *, omits_vowels: bool) -> None:
        spelling = without_vowels_mark(word) if omits_vowels else word
        for group in self._groups_of(spelling):
            for number in self._by_group.get(group, ()):
                shorter = min(len(word), len(self.texts[number]))
                is_short = not omits_vowels and shorter < _SHORT_SPELLING
                near[number] = _SHORT_GROUP_MISTAKE if is_short else _GROUP_MISTAKE

    def _add_by_sound(self, word: str, near: dict[int, float]) -> None:
        sounded = sound(word)
        count = len(sounded)
        cutoff = 1 if count < _SHORT_SOUND else 2 if count < _MEDIUM_SOUND else 3
        for length in range(count - cutoff, count + cutoff + 1):
            sounds = self._sounds_by_length.get(length, ())
            for other, _distance, _ in _within(sounded, sounds, cutoff):
                self._add_if_near(word, self._by_sound[other], near)
        self._add_if_near(word, self._by_consonants.get(consonants(sounded), ()), near)

    def _add_by_letters(self, word: str, near: dict[int, float]) -> None:
        if len(word) <= _SHORT_WORD:
            for text in _deletions(word):
                self._add_if_near(word, self._by_deletion.get(text, ()), near)
            return
        for length in range(len(word) - _LETTERS, len(word) + _LETTERS + 1):
            numbers = self._by_length.get(length, ())
            for _, _distance, place in _within(
                word, self._texts_by_length.get(length, ()), _LETTERS
            ):
                self._add_if_near(word, (numbers[place],), near)

    def _add_if_near(self, word: str, numbers: Iterable[int], near: dict[int, float]) -> None:
        for number in numbers:
            other = self.texts[number]
            mistakes = count_mistakes(word, other)
            is_near = mistakes <= mistakes_allowed(len(word), len(other))
            if is_near and mistakes < near.get(number, _MANY):
                near[number] = mistakes

    def _add_syllables(self, word: str, near: dict[int, float]) -> None:
        for spell in (korean, chinese):
            for number in self._by_syllables.get((spell, spell(word)), ()):
                near[number] = min(near.get(number, _MANY), _SYLLABLE_MISTAKE)

    def _add_without_vowels(self, word: str, near: dict[int, float]) -> None:
        """Add words with these consonants. Short vowels are not written, long ones as w and y."""
        key = without_vowels(word)
        if len(key) < _CONSONANTS_MIN:
            return
        for number in self._without_vowels.get(key, ()):
            missing = long_vowels_missing(word, self.texts[number])
            near.setdefault(number, _SCRIPT_MISTAKE * (1 + missing))


def _deletions(word: str) -> set[str]:
    """Return the word, and the word without each of its letters.

    Two words that are one mistake apart share one of these.
    """
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def _within(text: str, texts: Sequence[str], cutoff: int) -> list[tuple[str, int, int]]:
    """Return the texts that differ in so many letters at most, with the number and their place."""
    # Without swaps, which it counts as two, it takes a fraction of the time.
    return process.extract(
        text, texts, scorer=Levenshtein.distance, score_cutoff=cutoff, limit=None
    )
