"""Korean and Chinese names in one spelling, whichever romanisation they are written in."""

import re
from functools import lru_cache

_KOREAN = re.compile(
    r"(kk|tt|pp|ss|jj|ch|sh|kh|th|ph|[gkdtbpsjhmnrl])?"
    r"(y?eo|y?ae|y?oo|you|yeu|weo|woo|wae|wa|we|wi|wo|eui|eu|oe|oi|oy|ui|ee|ie|ou|oh|ai|ay|ya|ye|yo|yu"
    r"|yi|a|e|i|o|u)"
    r"(ng|[gknlrmpbth])?"
)
_INITIALS = {
    "kk": "k", "g": "k", "kh": "k", "tt": "t", "d": "t", "th": "t", "pp": "p", "b": "p", "ph": "p",
    "ss": "s", "sh": "s", "jj": "c", "j": "c", "ch": "c", "l": "r",
}  # fmt: skip
_VOWELS = {
    "eo": "o", "oh": "o", "yeo": "yo", "you": "yo", "ae": "e", "ai": "e", "ay": "e", "yae": "ye",
    "eu": "u", "oo": "u", "ou": "u", "woo": "u", "yoo": "yu", "yeu": "yu", "weo": "wo", "eui": "i",
    "ui": "i", "ee": "i", "ie": "i", "yi": "i", "oi": "oe", "oy": "oe", "we": "oe",
}  # fmt: skip
_FINALS = {"g": "k", "b": "p", "l": "r", "h": ""}
#: Family names that are spelt unlike they sound.
_KOREAN_FAMILIES = {
    "park": "pak", "lee": "i", "rhee": "i", "rhie": "i", "reeh": "i", "leigh": "i", "choi": "coe",
    "choy": "coe", "kwak": "kwak", "roh": "no", "moon": "mun", "young": "yong", "hahn": "han",
    "shim": "sim", "kim": "kim", "law": "no", "paik": "pek",
}  # fmt: skip
_PINYIN = re.compile(
    r"(?:(zh|ch|sh|[bpmfdtnlgkhrzcs])(iang|iong|uang|ang|eng|ing|ong|uai|uan|ian|iao|an|en|in|un|ai|ei"
    r"|ao|ou|ie|iu|ua|uo|ui|ue|a|e|i|o|u)"
    r"|([jqx])(iang|iong|ing|uan|ian|iao|in|un|ia|ie|iu|ue|i|u)"
    r"|(y)(uan|ang|ing|ong|an|in|un|ao|ou|ue|a|e|i|o|u)"
    r"|(w)(ang|eng|an|en|ai|ei|a|o|u))"
)
_WADE_INITIALS = {
    "zh": "ch", "b": "p", "d": "t", "g": "k", "j": "ch", "q": "ch", "x": "hs", "z": "ts", "c": "ts",
    "r": "j",
}  # fmt: skip
_WADE_SYLLABLES = {
    "si": "ssu", "zi": "tzu", "ci": "tzu", "ge": "ko", "ke": "ko", "he": "ho", "you": "yu",
    "yan": "yen", "ye": "yeh", "yi": "i", "er": "erh",
}  # fmt: skip
_WADE_FINALS = {"ian": "ien", "ie": "ieh", "ue": "ueh", "ong": "ung", "iong": "iung"}
_RETROFLEX = {"zh", "ch", "sh", "r"}


@lru_cache(maxsize=20_000)
def korean(word: str) -> str:
    """Return a Korean syllable in one spelling; empty if the word is none."""
    family = _KOREAN_FAMILIES.get(word)
    if family is not None:
        return family
    found = _KOREAN.fullmatch(word)
    if found is None:
        return ""
    initial, vowel, final = (part or "" for part in found.groups())
    initial, vowel = _INITIALS.get(initial, initial), _VOWELS.get(vowel, vowel)
    if initial in {"r", "n"} and vowel[0] in "iy":
        # The South leaves it out.
        initial = ""
    return (("n" if initial == "r" else initial) + vowel) + _FINALS.get(final, final)


@lru_cache(maxsize=20_000)
def chinese(word: str) -> str:
    """Return Chinese syllables as Wade and Giles spelt them, without marks. Other words stay."""
    syllables, place = [], 0
    while place < len(word):
        found = _PINYIN.match(word, place)
        if found is None:
            return word
        initial, final = [part for part in found.groups() if part]
        syllables.append(_wade(initial, final))
        place = found.end()
    return "".join(syllables)


def _wade(initial: str, final: str) -> str:
    whole = _WADE_SYLLABLES.get(initial + final)
    if whole is not None:
        return whole
    if final == "i" and initial in _RETROFLEX:
        return _WADE_INITIALS.get(initial, initial) + "ih"
    if final == "uo" and initial not in {"g", "k", "h", "sh"}:
        final = "o"
    return _WADE_INITIALS.get(initial, initial) + _WADE_FINALS.get(final, final)
