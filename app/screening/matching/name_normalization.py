"""Normalisation of names for comparison: lower-case Latin letters without accents, in words."""

import re
from functools import lru_cache
from unicodedata import category, combining, normalize

#: The message for a name that cannot be compared.
UNCOMPARABLE_NAME = (
    "Enter the name in Latin letters, as in the machine-readable lines of a passport."
)

# Letters that Unicode does not decompose.
_LETTERS = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
        "ı": "i", "ħ": "h", "ŋ": "n", "ə": "e",
    }
)  # fmt: skip
# Dots of abbreviations, with one or two letters on either side.
# Letters that passports and banks also write as two.
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_ACRONYM = re.compile(r"(?<!\w\w\w)(?<=\w)\.+(?=\w{1,2}\b)")
_JOINED = re.compile(r"['’‘`ʻʼ´]")
_WORD = re.compile(r"[0-9a-z]+")


@lru_cache(maxsize=4096)
def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in order: `S.A. de Peña-Nieto` is `sa`, `de`, `pena`, `nieto`."""
    text = _ACRONYM.sub("", _fold(name).replace("&", " and "))
    return tuple(_WORD.findall(text))


def name_words_in_digraphs(name: str) -> tuple[str, ...]:
    """Return the words of a name as passports write them: `Jörg Strauß` is `joerg`, `strauss`."""
    return name_words(normalize("NFC", name).casefold().translate(_DIGRAPHS))


def is_comparable(name: str) -> bool:
    """Return whether all of a name can be compared.

    It has words, and no letter is dropped from them, as letters of other scripts, barred letters
    and look-alike symbols are.
    """
    return bool(name_words(name)) and not any(map(_is_left_out, _fold(name)))


def _is_left_out(character: str) -> bool:
    if character.isascii():
        return character.isupper()
    # Punctuation and separators are not letters of a name.
    return category(character)[0] not in "PZ"


def _fold(name: str) -> str:
    text = name.casefold()
    if not text.isascii():
        text = normalize("NFKD", text.translate(_LETTERS))
        text = "".join(character for character in text if not combining(character))
    return _JOINED.sub("", text)


def sorted_words(name: str) -> str:
    """Return a name's words in alphabetical order, to compare names for equality."""
    return " ".join(sorted(name_words(name)))
