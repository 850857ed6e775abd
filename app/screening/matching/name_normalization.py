"""Normalisation of names for comparison: lower-case Latin letters without accents, in words.

Letters of other scripts are transliterated, so that a name is compared however it is written.
"""

import re
import unicodedata
from functools import lru_cache
from unicodedata import category, combining, normalize

from anyascii import anyascii

#: The message for a name that cannot be compared.
UNCOMPARABLE_NAME = "Enter the name in letters, as in the passport. This one has none, or symbols."

# Letters that Unicode does not decompose.
_LETTERS = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
        "ı": "i", "ħ": "h", "ŋ": "n", "ə": "e", "ʼ": "'", "ʻ": "'", "’": "'", "‘": "'", "´": "'",
        "ـ": "",
    }
)  # fmt: skip
# Dots of abbreviations, with one or two letters on either side.
# Letters that passports and banks also write as two.
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_ACRONYM = re.compile(r"(?<!\w\w\w)(?<=\w)\.+(?=\w{1,2}\b)")
_JOINED = re.compile(r"['`]")
_WORD = re.compile(r"[0-9a-z]+")
#: Syllables that are written as one sign: each becomes a word.
_SYLLABLE = re.compile(r"[\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]")
_ARABIC_ARTICLE = re.compile(r"\bال(?=\w{2})")
_SERVANT_OF_GOD = re.compile(r"عبد\s+الله")
_ARABIC = re.compile(r"[\u0590-\u07ff\ufb1d-\ufdff\ufe70-\ufefc]")


@lru_cache(maxsize=4096)
def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in order: `S.A. de Peña-Nieto` is `sa`, `de`, `pena`, `nieto`."""
    text = _ACRONYM.sub("", _fold(name).replace("&", " and "))
    return tuple(_WORD.findall(text))


def name_words_in_digraphs(name: str) -> tuple[str, ...]:
    """Return the words of a name as passports write them: `Jörg Strauß` is `joerg`, `strauss`."""
    return name_words(normalize("NFC", name).casefold().translate(_DIGRAPHS))


def is_comparable(name: str) -> bool:
    """Return whether all of a name can be compared: it has words, and all their letters are seen.

    Symbols, signs that are not seen, and letters of another script that look like those around them
    would make another name of it.
    """
    if name.isascii():
        return bool(name_words(name))
    has_symbols = any(map(_is_symbol, name)) or any(map(_mixes_scripts, name.split()))
    return bool(name_words(name)) and not has_symbols


def omits_vowels(name: str) -> bool:
    """Return whether a name is in a script that leaves short vowels out, as Arabic and Hebrew."""
    return _ARABIC.search(name) is not None


def sorted_words(name: str) -> str:
    """Return a name's words in alphabetical order, to compare names for equality."""
    return " ".join(sorted(name_words(name)))


def _is_symbol(character: str) -> bool:
    """Return whether a character is no letter, mark, digit, punctuation or blank."""
    kind = category(character)
    return (kind[0] in "SC" and character not in "`´+&\u200c\u200d") or kind in {"No", "Nl"}


def _mixes_scripts(word: str) -> bool:
    """Return whether a word has letters of several of the alphabets that look alike."""
    return len({word_script for letter in word if (word_script := _alphabet(letter))}) > 1


def _alphabet(letter: str) -> str:
    script = unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else ""
    return script if script in {"LATIN", "CYRILLIC", "GREEK"} else ""


def _fold(name: str) -> str:
    text = name.casefold()
    if not text.isascii():
        text = normalize("NFKD", text.translate(_LETTERS)).casefold()
        text = "".join(character for character in text if not combining(character))
        if not text.isascii():
            text = _ARABIC_ARTICLE.sub("al ", _SERVANT_OF_GOD.sub("عبدالله", text))
            text = _SYLLABLE.sub(lambda sign: f" {anyascii(sign[0])} ", normalize("NFC", text))
            text = anyascii(text).casefold()
    return _JOINED.sub("", text)
