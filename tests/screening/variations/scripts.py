"""Names in the script of their country: Cyrillic, Hangul, Arabic."""

import random
import re

from tests.screening.variations.parties import ListedName, is_from

# The longest first.
_CYRILLIC = (
    ("shch", "щ"), ("zh", "ж"), ("kh", "х"), ("ts", "ц"), ("ch", "ч"), ("sh", "ш"), ("yu", "ю"),
    ("ya", "я"), ("ye", "е"), ("yo", "ё"), ("ks", "кс"), ("a", "а"), ("b", "б"), ("v", "в"),
    ("g", "г"),
    ("d", "д"), ("e", "е"), ("z", "з"), ("i", "и"), ("k", "к"), ("l", "л"), ("m", "м"), ("n", "н"),
    ("o", "о"), ("p", "п"), ("r", "р"), ("s", "с"), ("t", "т"), ("u", "у"), ("f", "ф"), ("'", "ь"),
)  # fmt: skip
_RUSSIAN_FORMS = {
    "ooo": "ООО", "oao": "ОАО", "zao": "ЗАО", "ao": "АО", "pao": "ПАО", "ojsc": "ОАО",
    "jsc": "АО", "llc": "ООО", "pjsc": "ПАО", "cjsc": "ЗАО",
}  # fmt: skip
_ENGLISH = re.compile(
    r"w|x|q|th|ck|ing\b|tion|company|bank|group|limited|ltd|trade|oil|corp|ph|ee|ou"
)
_KOREAN_INITIALS = {
    "kk": 1, "k": 0, "n": 2, "t": 3, "th": 16, "r": 5, "l": 5, "m": 6, "p": 7, "s": 9, "ch": 12,
    "j": 12, "h": 18, "": 11, "g": 0, "d": 3, "b": 7,
}  # fmt: skip
_KOREAN_VOWELS = {
    "ae": 1, "ya": 2, "yo": 6, "ye": 7, "wa": 9, "wae": 10, "oe": 11, "wo": 14, "we": 15, "wi": 16,
    "yu": 17, "ui": 19, "a": 0, "e": 5, "i": 20, "u": 13, "o": 8,
}  # fmt: skip
_KOREAN_FINALS = {"": 0, "k": 1, "n": 4, "l": 8, "m": 16, "p": 17, "ng": 21, "t": 7}
_KOREAN = re.compile(
    "(kk|ch|th|[kntrlmpsjhgdb])?(wae|ae|ya|yo|ye|wa|oe|wo|we|wi|yu|ui|[aeiuo])(ng|[knlmpt])?"
)
_ARABIC_NAMES = {
    "muhammad": "محمد", "mohammed": "محمد", "mohammad": "محمد", "ahmad": "أحمد", "ahmed": "أحمد",
    "mahmud": "محمود", "mahmoud": "محمود", "ali": "علي", "'ali": "علي", "hasan": "حسن",
    "hassan": "حسن", "husayn": "حسين", "hussein": "حسين", "ibrahim": "إبراهيم", "umar": "عمر",
    "omar": "عمر", "khalid": "خالد", "khaled": "خالد", "yusuf": "يوسف", "abdallah": "عبد الله",
    "abdullah": "عبد الله", "abd": "عبد", "salih": "صالح", "saleh": "صالح", "isma'il": "إسماعيل",
    "mustafa": "مصطفى", "sa'id": "سعيد", "said": "سعيد", "jamal": "جمال", "nasir": "ناصر",
    "nasser": "ناصر", "karim": "كريم", "musa": "موسى", "isa": "عيسى", "'isa": "عيسى", "bin": "بن",
    "abu": "أبو", "al": "ال", "sa'd": "سعد", "uthman": "عثمان", "sulayman": "سليمان",
    "amin": "أمين",
    "mahdi": "مهدي", "hamid": "حميد", "rashid": "رشيد", "walid": "وليد", "tariq": "طارق",
    "taha": "طه", "yasin": "ياسين", "hashim": "هاشم", "jasim": "جاسم", "ja'far": "جعفر",
}  # fmt: skip
_ARABIC_LETTERS = (
    ("sh", "ش"), ("kh", "خ"), ("th", "ث"), ("dh", "ذ"), ("gh", "غ"), ("ch", "تش"), ("aw", "و"),
    ("ay", "ي"), ("ai", "ي"), ("ou", "و"), ("oo", "و"), ("ee", "ي"), ("b", "ب"), ("t", "ت"),
    ("j", "ج"),
    ("h", "ح"), ("d", "د"), ("r", "ر"), ("z", "ز"), ("s", "س"), ("f", "ف"), ("q", "ق"), ("k", "ك"),
    ("l", "ل"), ("m", "م"), ("n", "ن"), ("w", "و"), ("y", "ي"), ("'", "ع"), ("g", "غ"), ("p", "ب"),
    ("v", "ف"), ("i", "ي"), ("u", "و"), ("o", "و"), ("a", "ا"), ("e", ""),
)  # fmt: skip


def cyrillic_word(word: str) -> str | None:
    """Return a Russian word in Cyrillic letters, from its usual English spelling."""
    rest, letters = word.lower(), ""
    while rest:
        if rest[0] == "y":
            follows_vowel = bool(letters) and letters[-1] in "аеёиоуыэюя"
            found = next((pair for pair in _CYRILLIC if rest.startswith(pair[0])), None)
            if found is None:
                ends = len(rest) == 1
                letters += "й" if follows_vowel else "ий" if ends else "ы"
                rest = rest[1:]
                continue
        else:
            found = next((pair for pair in _CYRILLIC if rest.startswith(pair[0])), None)
        if found is None:
            return None
        letters, rest = letters + found[1], rest.removeprefix(found[0])
    return letters


def in_cyrillic(name: ListedName, _choose: random.Random) -> str | None:
    """Write a Russian name in Cyrillic letters."""
    if not (is_from(name, "RU", "BY") and name.family and name.text.isascii()):
        return None
    words = [cyrillic_word(word) for word in name.words]
    if len(words) < 2 or not all(words):
        return None
    return " ".join((word or "").title() for word in words)


def company_in_cyrillic(name: ListedName, _choose: random.Random) -> str | None:
    """Write a Russian company's name in Cyrillic letters."""
    if not is_from(name, "RU") or _ENGLISH.search(name.text.lower()):
        return None
    parts = re.findall(r"[a-z']+", name.text.lower())
    if not _RUSSIAN_FORMS.keys() & set(parts) or len(parts) < 2:
        return None
    words = [_RUSSIAN_FORMS.get(part) or cyrillic_word(part) for part in parts]
    return " ".join(word.upper() for word in words if word) if all(words) else None


def in_hangul(name: ListedName, _choose: random.Random) -> str | None:
    """Write a North Korean name in Hangul."""
    if not is_from(name, "KP") or not name.family:
        return None
    words = re.split(r"[\s-]+", " ".join([*name.family, *name.given]).lower().replace("'", ""))
    syllables = [_hangul_syllable(word) for word in words]
    return (
        "".join(filter(None, syllables))
        if 2 <= len(words) == len(list(filter(None, syllables)))
        else None
    )


def _hangul_syllable(syllable: str) -> str | None:
    found = _KOREAN.fullmatch(syllable)
    if found is None:
        return None
    initial, vowel, final = (part or "" for part in found.groups())
    number = _KOREAN_VOWELS[vowel]
    if vowel == "o" and final in {"ng", "k", "l", "n", "p", "m"}:
        number = 4
    if vowel == "u" and final == "n" and not initial:
        number = 18
    code = (_KOREAN_INITIALS[initial] * 21 + number) * 28 + _KOREAN_FINALS[final]
    return chr(0xAC00 + code)


def in_arabic_script(name: ListedName, _choose: random.Random) -> str | None:
    """Write an Arabic name in its own script: long vowels are written, short ones mostly not."""
    countries = ("IQ", "SY", "LB", "EG", "LY", "YE", "SD", "PS", "JO", "SA", "DZ", "TN", "KW", "QA")
    if not is_from(name, *countries) or not name.family or not name.text.isascii():
        return None
    words = re.split(r"[\s-]+", " ".join(name.words).lower())
    written: list[str] = []
    for word in words:
        letters = _ARABIC_NAMES.get(word) or _arabic_word(word)
        if letters is None:
            return None
        if written and written[-1] == "ال":
            written[-1] += letters
        else:
            written.append(letters)
    return " ".join(written) if len(written) > 1 else None


def _arabic_word(word: str) -> str | None:
    text = re.sub(r"([bcdfghjklmnpqrstvwxyz])\1", r"\1", word)
    ends_in_a = text.endswith(("a", "ah"))
    text = re.sub(r"ah?$", "", text)
    letters, position = "", 0
    while position < len(text):
        pair = next((pair for pair in _ARABIC_LETTERS if text.startswith(pair[0], position)), None)
        if pair is None:
            return None
        is_short = len(pair[0]) == 1 and pair[0] in "aiu"
        # In a closed syllable the vowel is short; the last one is long as a rule.
        is_last = not re.search("[aeiou]", text[position + 1 :])
        if not letters and pair[0] in "aeiou":
            letters += "ا" if pair[0] in "ae" else "ا" + pair[1]
        elif not is_short or is_last or (position == 1 and pair[0] != "a"):
            letters += pair[1]
        elif pair[0] == "a" and position == 1 and len(text) > 4:
            letters += "ا" if re.match("[bcdfghjklmnpqrstvwxyz][ie]", text[position + 1 :]) else ""
        position += len(pair[0])
    return letters + ("ة" if ends_in_a else "")
