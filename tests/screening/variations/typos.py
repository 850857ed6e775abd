"""Mistakes of typing, and words written as they sound."""

import random
import re
import string
from collections.abc import Sequence

from tests.screening.variations.parties import ListedName

SHORT_NAME_LETTERS = 8
_LONG_WORD = 9
#: What sounds alike, in both directions.
_SOUNDS = (
    ("ph", "f"), ("ck", "k"), ("c", "k"), ("q", "k"), ("i", "y"), ("ee", "i"), ("oo", "u"),
    ("ou", "u"), ("v", "w"), ("z", "s"), ("x", "ks"), ("th", "t"), ("kh", "h"), ("sh", "sch"),
    ("ll", "l"), ("ss", "s"), ("nn", "n"), ("mm", "m"), ("tt", "t"), ("rr", "r"), ("dd", "d"),
    ("j", "dj"), ("gh", "g"), ("ai", "ay"), ("ei", "ey"), ("ie", "i"), ("e", "i"), ("o", "u"),
    ("ah", "a"), ("eh", "e"), ("y", "j"), ("dh", "d"), ("ae", "e"), ("iy", "i"), ("bb", "b"),
)  # fmt: skip


def letters_of(text: str) -> int:
    """Return how many letters a text has."""
    return sum(letter.isalpha() for letter in text)


def mistyped(word: str, choose: random.Random) -> str:
    """Return a word with one letter exchanged, left out, doubled or swapped with the next."""
    places = [place for place, letter in enumerate(word) if letter.isalpha()]
    place, letter = choose.choice(places), choose.choice(string.ascii_lowercase)
    kind = choose.randrange(4)
    if kind == 3 and place + 1 < len(word) and word[place + 1].isalpha():
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    replacement = ("", letter, letter + word[place], letter)[kind]
    return word[:place] + replacement + word[place + 1 :]


def one_typo(name: ListedName, choose: random.Random) -> str | None:
    """Make one mistake in a name that is not short."""
    if letters_of(name.text) < SHORT_NAME_LETTERS:
        return None
    return _mistype(name.words, choose, at_least=3)


def one_typo_in_short_name(name: ListedName, choose: random.Random) -> str | None:
    """Make one mistake in a name of a few letters."""
    if letters_of(name.text) >= SHORT_NAME_LETTERS or len(name.words) < 2:
        return None
    return _mistype(name.words, choose, at_least=3)


def _mistype(words: Sequence[str], choose: random.Random, *, at_least: int) -> str | None:
    places = [place for place, word in enumerate(words) if letters_of(word) >= at_least]
    if not places:
        return None
    place = choose.choice(places)
    return " ".join([*words[:place], mistyped(words[place], choose), *words[place + 1 :]])


def typo_in_each_word(name: ListedName, choose: random.Random) -> str | None:
    """Make one mistake in each word of four letters or more."""
    words = name.words
    if sum(letters_of(word) > 3 for word in words) < 2:
        return None
    return " ".join(mistyped(word, choose) if letters_of(word) > 3 else word for word in words)


def two_letters_replaced(name: ListedName, choose: random.Random) -> str | None:
    """Replace two letters of a long word."""
    words = name.words
    places = [
        place for place, word in enumerate(words) if len(word) >= _LONG_WORD and word.isalpha()
    ]
    if not places or len(words) < 2:
        return None
    place = choose.choice(places)
    letters = list(words[place].lower())
    for position in choose.sample(range(len(letters)), 2):
        others = [letter for letter in string.ascii_lowercase if letter != letters[position]]
        letters[position] = choose.choice(others)
    return " ".join([*words[:place], "".join(letters), *words[place + 1 :]])


def respelt_by_sound(text: str, count: int, choose: random.Random) -> str | None:
    """Write so many places of a text as they sound; None if it has fewer."""
    text = text.lower()
    for _ in range(count):
        rules = [
            (old, new)
            for pair in _SOUNDS
            for old, new in (pair, pair[::-1])
            if old in text and not (len(old) == 1 and old * 2 in new * 2 and old == new)
        ]
        if not rules:
            return None
        old, new = choose.choice(rules)
        place = choose.choice([found.start() for found in re.finditer(old, text)])
        text = text[:place] + new + text[place + len(old) :]
    return text


def phonetic_in_one_place(name: ListedName, choose: random.Random) -> str | None:
    """Write one place as it sounds."""
    return _phonetic(name, 1, choose)


def phonetic_in_two_places(name: ListedName, choose: random.Random) -> str | None:
    """Write two places as they sound."""
    return _phonetic(name, 2, choose)


def phonetic_in_three_places(name: ListedName, choose: random.Random) -> str | None:
    """Write three places as they sound."""
    return _phonetic(name, 3, choose)


def _phonetic(name: ListedName, count: int, choose: random.Random) -> str | None:
    if letters_of(name.text) < 10:
        return None
    return respelt_by_sound(" ".join(name.words), count, choose)
