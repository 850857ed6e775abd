"""Words that say little or nothing about who bears a name, and words that mean the same.

They are files in app/screening/name_data: `our_words.csv` is kept by hand, the others are made by
`python -m tooling.name_data`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent.parent / "name_data"


class PhraseMatch(NamedTuple):
    """A phrase that was found: the place behind its last word, and its meaning."""

    end: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases of words, found longest first. Each has the text that stands for it."""

    by_words: Mapping[tuple[str, ...], str]
    longest: int

    @classmethod
    def of(cls, texts: Iterable[tuple[str, str]]) -> "Phrases":
        """Return the phrases of pairs of a text and what it stands for."""
        by_words = {tuple(text.split()): meaning for text, meaning in texts if text}
        return cls(by_words, max(map(len, by_words)))

    def match(self, words: tuple[str, ...], start: int) -> PhraseMatch | None:
        """Return the end and the meaning of the longest phrase at a place."""
        for end in range(min(len(words), start + self.longest), start, -1):
            meaning = self.by_words.get(words[start:end])
            if meaning is not None:
                return PhraseMatch(end, meaning)
        return None


@cache
def fillers() -> frozenset[str]:
    """Return what people write into a form that demands a name which they have not."""
    return _our_words("filler")


@cache
def titles() -> frozenset[str]:
    """Return titles of people, and what is written behind their names."""
    return _our_words("title")


@cache
def particles() -> Mapping[str, str]:
    """Return particles of people's names, each with the spelling that stands for all of them."""
    return {word: line[0] for line in _our_lines("particle") for word in line}


@cache
def name_groups() -> Mapping[str, tuple[int, ...]]:
    """Return the numbers of the groups that each spelling of a person's name belongs to."""
    lines = [line.split(",") for line in _lines("person_names.csv")] + _our_lines("name")
    groups: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        for spelling in line:
            groups[spelling].append(number)
    return {spelling: tuple(numbers) for spelling, numbers in groups.items()}


def groups_of_name(word: str) -> tuple[int, ...]:
    """Return the numbers of the groups of a person's name."""
    return name_groups().get(word, ())


def without_vowels_mark(word: str) -> str:
    """Return a word of a script without short vowels as the groups have it, apart from others."""
    return f"'{word}"


@cache
def legal_forms() -> Phrases:
    """Return the legal forms of companies."""
    ours = [form for line in _our_lines("legal form") for form in line]
    return Phrases.of((form, form) for form in (*_lines("legal_forms.csv"), *ours))


def is_usual_form(word: str) -> bool:
    """Return whether a word is nothing but a legal form."""
    return word in _our_words("legal form")


@cache
def company_words() -> Phrases:
    """Return words of companies with the sign that stands for their meaning."""
    return Phrases.of(_company_pairs())


def signs_of(word: str) -> tuple[int, ...]:
    """Return the numbers of the signs of a company's word; none for words of its own."""
    return _sign_numbers().get(word, ())


@cache
def places() -> frozenset[str]:
    """Return words for places, which companies add to their names."""
    return _our_words("place")


def is_common_in_companies(word: str) -> bool:
    """Return whether a word tells nothing of which company it is."""
    return bool(signs_of(word)) or is_company_particle(word) or word in places()


def is_generic(word: str) -> bool:
    """Return whether companies of any business have this word in their names."""
    return word in _our_words("generic")


def is_company_particle(word: str) -> bool:
    """Return whether a word only joins others in a company's name."""
    return word in _our_words("company particle")


def _company_pairs() -> list[tuple[str, str]]:
    lines = [line.split(",") for line in _lines("company_words.csv")]
    pairs = [(word, line[0]) for line in lines for word in line[1:] if len(word) > 1]
    # A sign of ours is its word twice, unlike any word and any other sign.
    ours = _our_lines("company word")
    return pairs + [(word, f"{line[0]} {line[0]}") for line in ours for word in line]


@cache
def _sign_numbers() -> Mapping[str, tuple[int, ...]]:
    signs: dict[str, int] = {}
    numbers: dict[str, set[int]] = defaultdict(set)
    for text, sign in _company_pairs():
        number = signs.setdefault(sign, len(signs))
        numbers[sign].add(number)
        if " " not in text:
            numbers[text].add(number)
    return {text: tuple(sorted(found)) for text, found in numbers.items()}


@cache
def _our_words(kind: str) -> frozenset[str]:
    return frozenset(word for line in _our_lines(kind) for word in line)


def _our_lines(kind: str) -> list[list[str]]:
    prefix = f"{kind},"
    lines = _lines("our_words.csv")
    return [line.removeprefix(prefix).split(",") for line in lines if line.startswith(prefix)]


def _lines(file: str) -> list[str]:
    return (FOLDER / file).read_text(encoding="ascii").splitlines()
