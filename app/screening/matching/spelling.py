"""How words sound, and how many mistakes are between two of them."""

import re
from functools import lru_cache

from rapidfuzz.distance import OSA, LCSseq

# In order: each is replaced everywhere.
_SOUNDS = tuple(
    (re.compile(pattern), written)
    for pattern, written in (
        (r"^(?:ye|je|ie)", "e"),
        (r"^(?:kn|gn)", "n"),
        (r"schtsch|chtch|shch|tsch|tch|sch|dzh|cz|sz|zh|sh|ch|dj", "c"),
        (r"hs(?=[aeiou])", "c"),
        (r"j(?=[aeiou])", "c"),
        (r"ph", "f"),
        (r"[kg]h|h(?=[bcdfgklmnpqrstvwxz])", "h"),
        (r"(?<=[aeiouy])h(?![aeiouy])", ""),
        (r"th", "t"),
        (r"dh", "d"),
        (r"ck|q", "k"),
        (r"x", "ks"),
        (r"t[sz]|z", "s"),
        (r"ou|oo|ow", "u"),
        (r"w", "v"),
        (r"(?<=[aeiou])[jy](?![aeiou])|e[eiy]|ie|iy|ii|yi|ey", "i"),
        (r"ai|ay|ae", "e"),
        (r"eo|oe", "o"),
        (r"eu|ue", "u"),
        (r"[jy]", "i"),
        (r"(.)\1+", r"\1"),
    )
)
_VOWELS = re.compile(r"[aeiou]+")
_CLASSES = str.maketrans("eo", "iu")
#: What one vowel for another counts, and a word that only sounds the same.
_VOWEL_MISTAKE, _SOUND_MISTAKE = 0.75, 0.35

#: The mistakes that words of up to so many letters may have.
_ALLOWED = ((2, _SOUND_MISTAKE), (5, 1.0), (6, 1.3), (9, 2.0), (12, 2.5), (10_000, 3.0))


@lru_cache(maxsize=60_000)
def sound(word: str) -> str:
    """Return how a word sounds: one letter for what is spelt in several ways."""
    for pattern, written in _SOUNDS:
        word = pattern.sub(written, word)
    return word.translate(_CLASSES)


@lru_cache(maxsize=60_000)
def consonants(sounded: str) -> str:
    """Return a sound without vowels, but for one that begins it."""
    return sounded[:1] + _VOWELS.sub("", sounded[1:])


def mistakes_allowed(letters: int, other_letters: int) -> float:
    """Return how many mistakes may be between two words of so many letters."""
    counted = min(letters + 1, other_letters + 1, max(letters, other_letters))
    return next(allowed for letters_max, allowed in _ALLOWED if counted <= letters_max)


def count_mistakes(word: str, other: str) -> float:
    """Return how many mistakes are between two words, in letters or in sounds, the fewer."""
    if word == other:
        return 0.0
    sounded, other_sounded = sound(word), sound(other)
    letters = OSA.distance(word, other, score_cutoff=3)
    heard = OSA.distance(sounded, other_sounded, score_cutoff=4)
    if heard == 0:
        return min(letters, _SOUND_MISTAKE)
    in_consonants = min(heard, OSA.distance(consonants(sounded), consonants(other_sounded)))
    as_heard = _SOUND_MISTAKE + in_consonants + _VOWEL_MISTAKE * (heard - in_consonants)
    return min(letters, as_heard)


_SEMITIC = tuple(
    (re.compile(pattern), written)
    for pattern, written in (
        (r"tch|sch|sh|ch", "c"),
        (r"dj|g(?!h)", "j"),
        (r"kh", "h"),
        (r"gh", "g"),
        (r"th", "t"),
        (r"dh", "d"),
        (r"ph|v", "f"),
        (r"q|ck", "k"),
        (r"p", "b"),
        (r"z", "s"),
        (r"(?<=.)a?h$", ""),
    )
)
_LONG_VOWELS = str.maketrans("oueiy", "wwyyy", "a'")


@lru_cache(maxsize=60_000)
def _with_long_vowels(word: str) -> str:
    for pattern, written in _SEMITIC:
        word = pattern.sub(written, word)
    return re.sub(r"(.)\1+", r"\1", word.translate(_LONG_VOWELS))


def without_vowels(word: str) -> str:
    """Return the consonants of a word as Arabic and Hebrew write them, in Latin letters."""
    return re.sub(r"(.)\1+", r"\1", re.sub("[wy]", "", _with_long_vowels(word)))


def long_vowels_missing(written: str, word: str) -> int:
    """Return how many vowels of a word in such a script are not in a word in Latin letters."""
    long, other = _with_long_vowels(written), _with_long_vowels(word)
    return len(long) - LCSseq.similarity(long, other)
