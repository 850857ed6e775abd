"""A name as the words that are compared, each with how much it may weigh."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from app.screening.matching.name_normalization import name_words, omits_vowels
from app.screening.matching.vocabulary import (
    company_words,
    fillers,
    is_common_in_companies,
    is_company_particle,
    is_generic,
    is_usual_form,
    legal_forms,
    particles,
    places,
    titles,
)

#: What is left of the weight of titles, particles, places and common words of companies.
#: Of two words, "bin" or "ben" is a name.
_PARTICLE_WORDS_MIN = 3
_SERVANT_FACTOR = 0.5
_TITLE, _PARTICLE, _PLACE, _COMMON, _GENERIC, _REPEAT = 0.08, 0.2, 0.25, 0.55, 0.2, 0.1
#: A legal form of so few letters is one only at either end of a name.
_SHORT_FORM = 2
_SERVANT = re.compile(r"abd[aeou]l(?!l.{0,3}$)([a-z]{4,})")
#: Particles in a script that leaves vowels out.
_WITHOUT_VOWELS = {"bd": "abdal", "bn": "bin", "bw": "abu", "by": "abu", "abw": "abu", "aby": "abu"}
_NOT_APPLICABLE = re.compile(r"\bn/a\b", re.IGNORECASE)
#: "Servant of", the first part of many Arabic names, with the article behind it.
SERVANT = "abdal"
_SERVANT_WORDS = {"abd", "abdal", "abdel", "abdul", "abdol"}
_ARTICLE = re.compile("[aeu]l([a-z]{4,})")


class NameWord(NamedTuple):
    """A word of a name, and the factor of its weight."""

    text: str
    factor: float


@dataclass(frozen=True, slots=True)
class NameForm:
    """The words of a name in order; the first `family` of them are the family name."""

    words: tuple[NameWord, ...]
    family: int = 0


@lru_cache(maxsize=4096)
def person_form(name: str) -> NameForm:
    """Return the words of a person's name. A family name is before the comma."""
    family_text, comma, given_text = name.partition(",")
    if not comma:
        return NameForm(_person_words(name))
    family, given = _person_words(family_text), _person_words(given_text)
    return NameForm(_without_repeats(family + given), len(family))


def _person_words(text: str) -> tuple[NameWord, ...]:
    parts: list[str] = []
    spelt = _WITHOUT_VOWELS if omits_vowels(text) else {}
    for written in name_words(_NOT_APPLICABLE.sub(" ", text)):
        word = spelt.get(written, written)
        servant = _SERVANT.fullmatch(word)
        article = _ARTICLE.fullmatch(word) if parts and parts[-1] in _SERVANT_WORDS else None
        parts += [SERVANT, servant[1]] if servant else [article[1] if article else word]
    words: list[NameWord] = []
    is_short = len(parts) < _PARTICLE_WORDS_MIN
    for word in parts:
        if word in fillers():
            continue
        if word in _SERVANT_WORDS:
            words.append(NameWord(SERVANT, _SERVANT_FACTOR))
        elif word in particles() and not (is_short and particles()[word] == "bin"):
            if not (words and words[-1].text == SERVANT and particles()[word] == "al"):
                words.append(NameWord(particles()[word], _PARTICLE))
        else:
            words.append(NameWord(word, _TITLE if word in titles() else 1.0))
    if words and all(word.factor == _TITLE for word in words):
        words = [NameWord(word.text, 1.0) for word in words]
    return _without_repeats(tuple(words))


def _without_repeats(words: tuple[NameWord, ...]) -> tuple[NameWord, ...]:
    """Return the words, with those that occurred before made light."""
    seen: set[str] = set()
    kept = []
    for word in words:
        kept.append(NameWord(word.text, word.factor * _REPEAT) if word.text in seen else word)
        seen.add(word.text)
    return tuple(kept)


@lru_cache(maxsize=4096)
def company_form(name: str) -> NameForm:
    """Return the words of a company's name without its legal form, common ones as signs."""
    given = name_words(name)
    words = _without_legal_forms(given) or given
    kept: list[NameWord] = []
    signs, start = company_words(), 0
    while start < len(words):
        found = signs.match(words, start)
        end, sign = found or (start + 1, "")
        # A phrase becomes its sign. A word stays as it is: it may be mistyped as well.
        word = words[start] if end == start + 1 else sign
        kept.append(NameWord(word, _company_factor(word, is_common=bool(sign))))
        start = end
    if kept and all(word.factor < 1 for word in kept):
        kept = [NameWord(word.text, min(1.0, word.factor / _COMMON)) for word in kept]
    return NameForm(tuple(kept))


def _company_factor(word: str, *, is_common: bool) -> float:
    if is_company_particle(word):
        return _PARTICLE * 0.5
    if word in places():
        return _PLACE
    if not is_common:
        return 1.0
    return _GENERIC if is_generic(word) else _COMMON


def _without_legal_forms(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words without legal forms at either end, and without long ones between."""
    end = _end_of_name(words)
    start = _start_of_name(words, end)
    kept = _without_long_forms(words[start:end])
    is_name = start == 1 and len(words[0]) > _SHORT_FORM and not is_usual_form(words[0])
    if is_name and all(map(is_common_in_companies, kept)):
        # What looks like a form in front is the name: "SAD Import Export".
        return words[:end]
    return kept


def _end_of_name(words: tuple[str, ...]) -> int:
    forms, end = legal_forms(), len(words)
    start = 0
    while start < end:
        found = forms.match(words[start:end], 0)
        if found is not None and start + found.end == end:
            start, end = 0, start
        else:
            start += 1
    return end


def _start_of_name(words: tuple[str, ...], end: int) -> int:
    forms, start = legal_forms(), 0
    while start < end and (found := forms.match(words[start:end], 0)):
        start += found.end
    return start


def _without_long_forms(words: tuple[str, ...]) -> tuple[str, ...]:
    forms, kept, place = legal_forms(), [], 0
    while place < len(words):
        found = forms.match(words, place)
        if found is not None and sum(map(len, words[place : found.end])) > _SHORT_FORM:
            place = found.end
            continue
        kept.append(words[place])
        place += 1
    return tuple(kept)
