"""Names of other scripts in other romanisations: Russian, Arabic, Korean, Chinese."""

import random
import re
from collections.abc import Callable, Mapping, Sequence

from tests.screening.variations.parties import ListedName, is_from
from tests.screening.variations.scripts import cyrillic_word

#: Spellings of one name; the drill exchanges one for another.
_KIN = (
    ("muhammad", "mohammed", "mohamed", "mohammad", "muhammed", "mohamad", "mehmet", "mohamud"),
    ("hussein", "husayn", "hussain", "husain", "hossein", "houssein", "husein", "huseyin"),
    ("alexander", "aleksandr", "alexandr", "aleksander", "oleksandr", "alexandre", "alejandro"),
    ("yusuf", "yousef", "youssef", "yousuf", "yusef", "youssouf", "yosef"),
)
_ARABIC_GIVEN = (
    ("ahmad", "ahmed", "ahmet"), ("hasan", "hassan", "hassen"), ("khalid", "khaled"),
    ("umar", "omar"), ("uthman", "othman", "osman"), ("sulayman", "suleiman", "soleiman"),
    ("isma'il", "ismail", "ismael"), ("mustafa", "mostafa", "moustafa"),
    ("mahmud", "mahmoud", "mahmood"), ("sa'id", "said", "saeed", "saied"),
    ("salih", "saleh", "salah"), ("abdallah", "abdullah", "abdalla"), ("jamal", "gamal", "djamel"),
    ("nasir", "nasser", "naser"), ("faysal", "faisal", "feisal"), ("sa'd", "saad"),
    ("ja'far", "jafar", "jaafar", "gaafar"), ("karim", "kareem"), ("rashid", "rasheed", "rachid"),
    ("majid", "majed", "maged"), ("walid", "waleed", "oualid"), ("tariq", "tarek", "tareq"),
    ("mahdi", "mehdi"), ("musa", "moussa", "mousa"), ("fu'ad", "fouad", "fuad"), ("'ali", "ali"),
    ("samir", "sameer"), ("amin", "ameen"), ("hamid", "hameed"), ("nur", "noor", "nour"),
    ("zayd", "zaid", "zeid"), ("ayman", "aiman", "aymen"), ("usama", "osama", "oussama"),
    ("bashir", "basheer", "bachir"), ("taha", "taha"), ("da'ud", "dawud", "daoud", "dawood"),
    ("harun", "haroun", "haroon"), ("yahya", "yehia", "yahia"), ("luqman", "lukman", "loqman"),
    ("abd", "abdul", "abdel"), ("rahman", "rahmaan", "rehman"), ("aziz", "azeez"),
    ("husni", "hosni"), ("rida", "reda", "reza"), ("shawqi", "shawki", "chawki"),
)  # fmt: skip
_RUSSIAN_GIVEN = (
    ("aleksandr", "alexander"), ("aleksey", "alexei", "alexey"), ("sergey", "sergei", "serguei"),
    ("andrey", "andrei"), ("dmitriy", "dmitry", "dmitri"), ("yevgeniy", "evgeny", "evgenii"),
    ("yuriy", "yuri", "iurii", "yury"), ("nikolay", "nikolai", "nicolai"), ("mikhail", "michail"),
    ("vladimir", "wladimir"), ("igor", "igor'"), ("vasiliy", "vasily", "vassily"),
    ("anatoliy", "anatoly", "anatoli"), ("valeriy", "valery", "valeri"), ("arkadiy", "arkady"),
    ("grigoriy", "grigory", "grigori"), ("viktor", "victor"), ("maksim", "maxim"),
    ("konstantin", "constantin"), ("gennadiy", "gennady", "gennadi"), ("leonid", "leonide"),
    ("vyacheslav", "viacheslav"), ("oleg", "oleh"), ("natalya", "natalia", "nataliya"),
    ("yelena", "elena"), ("yekaterina", "ekaterina"), ("oksana", "oxana"),
    ("pyotr", "petr", "piotr"),
    ("fedor", "fyodor"), ("semyon", "semen"), ("timofey", "timofei"), ("ilya", "ilia"),
    ("georgiy", "georgy", "georgii"), ("vitaliy", "vitaly", "vitali"), ("artem", "artyom"),
)  # fmt: skip
_ICAO = {"щ": "shch", "ю": "iu", "я": "ia", "й": "i", "ъ": "ie", "ё": "e", "ц": "ts", "ь": ""}
_COMMON_LATIN = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ф": "f", "х": "kh", "ч": "ch", "ш": "sh", "ы": "y", "э": "e",
}  # fmt: skip
_FRENCH = {
    **_COMMON_LATIN, "ж": "j", "у": "ou", "ч": "tch", "ш": "ch", "щ": "chtch", "ц": "ts",
    "ю": "iou", "я": "ia", "й": "ï", "ь": "", "ъ": "", "ё": "e",
}  # fmt: skip
_GERMAN = {
    **_COMMON_LATIN, "в": "w", "ж": "sch", "х": "ch", "ч": "tsch", "ш": "sch", "щ": "schtsch",
    "ц": "z", "з": "s", "ю": "ju", "я": "ja", "й": "j", "ь": "", "ъ": "", "ё": "jo",
}  # fmt: skip
_VOWELS = "аеёиоуыэюя"
_FRENCH_OF_ARABIC = (
    ("sh", "ch"), ("kh", "kh"), ("oo", "ou"), ("u", "ou"), ("j", "dj"), ("w", "ou"), ("q", "k"),
    ("y", "i"), ("aa", "a"), ("ee", "i"), ("'", ""),
)  # fmt: skip
_SOUTH_KOREAN = {
    "kim": "Gim", "pak": "Park", "ri": "Lee", "choe": "Choi", "chong": "Jeong", "jong": "Jeong",
    "kang": "Gang", "cho": "Jo", "jo": "Cho", "yun": "Yoon", "chang": "Jang", "jang": "Chang",
    "rim": "Lim", "han": "Hahn", "o": "Oh", "sin": "Shin", "so": "Seo", "kwon": "Gwon", "no": "Noh",
    "ryu": "Yoo", "yu": "Yoo", "chon": "Jeon", "jon": "Jeon", "paek": "Baek", "ho": "Heo",
    "hyok": "Hyeok", "chol": "Cheol", "song": "Seong", "yong": "Yeong", "un": "Eun",
    "hyon": "Hyeon",
    "ryong": "Yong", "kyong": "Gyeong", "chun": "Joon", "jun": "Joon", "su": "Soo", "nam": "Nam",
    "hak": "Hak", "chin": "Jin", "jin": "Chin", "il": "Il", "myong": "Myeong", "myo'ng": "Myeong",
    "kuk": "Guk", "kwang": "Gwang", "tong": "Dong", "tae": "Dae", "pyong": "Byeong", "u": "Woo",
    "pong": "Bong", "hui": "Hee", "ki": "Gi", "sok": "Seok", "son": "Seon", "ung": "Woong",
    "thae": "Tae", "min": "Min", "hun": "Hoon", "mun": "Moon", "chan": "Chan", "sik": "Sik",
}  # fmt: skip
_WADE_INITIALS = (
    ("zh", "ch"), ("ch", "ch'"), ("sh", "sh"), ("b", "p"), ("p", "p'"), ("d", "t"), ("t", "t'"),
    ("g", "k"), ("k", "k'"), ("j", "ch"), ("q", "ch'"), ("x", "hs"), ("z", "ts"), ("c", "ts'"),
    ("r", "j"),
)  # fmt: skip
_WADE_FINALS = {
    "ian": "ien", "ie": "ieh", "ue": "ueh", "ong": "ung", "iong": "iung", "you": "yu", "yu": "yü",
    "yan": "yen", "ye": "yeh", "yuan": "yüan", "uo": "o",
}  # fmt: skip
_PINYIN = re.compile(
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|ang|eng|ing|ong|uai|uan|ian|iao|an|en|in|un|ai|ei|ao|ou|ia|ie|iu|ua|uo|ui|ue"
    r"|er|a|e|i|o|u)"
)

Respelling = Callable[[ListedName, random.Random], str | None]


def _variants(families: Sequence[Sequence[str]]) -> Mapping[str, list[str]]:
    return {
        spelling: [other for other in family if other != spelling]
        for family in families
        for spelling in family
    }


def _exchange(
    name: ListedName, variants: Mapping[str, list[str]], choose: random.Random, *, all_words: bool
) -> str | None:
    words = name.words
    places = [place for place, word in enumerate(words) if variants.get(word.lower())]
    if not places or len(words) < 2:
        return None
    for place in places if all_words else [choose.choice(places)]:
        words[place] = choose.choice(variants[words[place].lower()]).title()
    return " ".join(words)


def kin_of_muhammad(name: ListedName, choose: random.Random) -> str | None:
    """Exchange a spelling of Muhammad, Hussein, Alexander or Yusuf."""
    return _exchange(name, _variants(_KIN), choose, all_words=False)


def arabic_given_names(name: ListedName, choose: random.Random) -> str | None:
    """Exchange the spellings of all Arabic given names."""
    return _exchange(name, _variants(_ARABIC_GIVEN + _KIN), choose, all_words=True)


def russian_given_name(name: ListedName, choose: random.Random) -> str | None:
    """Exchange the spelling of one Russian given name."""
    if not _is_russian(name):
        return None
    return _exchange(name, _variants(_RUSSIAN_GIVEN), choose, all_words=False)


def _is_russian(name: ListedName) -> bool:
    return is_from(name, "RU", "UA", "BY") and bool(name.family) and name.text.isascii()


def _russian(name: ListedName, table: Mapping[str, str]) -> str | None:
    if not _is_russian(name):
        return None
    words = [cyrillic_word(word) for word in name.words]
    if not all(words):
        return None
    return " ".join("".join(table[letter] for letter in word or "").title() for word in words)


def icao_of_russian(name: ListedName, _choose: random.Random) -> str | None:
    """Write a Russian name as today's passports do."""
    return _russian(name, {**_COMMON_LATIN, **_ICAO})


def french_of_russian(name: ListedName, _choose: random.Random) -> str | None:
    """Write a Russian name as French papers do."""
    text = _russian(name, _FRENCH)
    return re.sub("ïï?$|iï\\b", "i", text) if text else None


def german_of_russian(name: ListedName, _choose: random.Random) -> str | None:
    """Write a Russian name as German papers do."""
    text = _russian(name, _GERMAN)
    return re.sub("([aeiouy])s([aeiouy])", r"\1ss\2", text).replace("ij", "i") if text else None


def french_of_arabic(name: ListedName, _choose: random.Random) -> str | None:
    """Write an Arabic name as North African papers do."""
    countries = ("DZ", "TN", "MA", "LB", "SY", "EG", "LY", "IQ", "YE", "SD", "PS", "JO", "SA")
    if not is_from(name, *countries) or len(name.words) < 2:
        return None
    before = " ".join(name.words).lower()
    text = before
    for old, new in _FRENCH_OF_ARABIC:
        text = re.sub(rf"(?<!o){old}" if old == "u" else old, new, text)
    return None if text == before else text.title()


def south_korean(name: ListedName, _choose: random.Random) -> str | None:
    """Write all words of a North Korean name as Seoul does."""
    if not is_from(name, "KP"):
        return None
    words = re.split(r"[\s-]+", " ".join([*name.family, *name.given]))
    spelt = [_SOUTH_KOREAN.get(word.lower()) for word in words]
    return None if len(words) < 2 or not all(spelt) else " ".join(filter(None, spelt))


def wade_giles(name: ListedName, _choose: random.Random) -> str | None:
    """Write all words of a Chinese name as Taiwan used to."""
    if not is_from(name, "CN", "TW", "HK"):
        return None
    words = re.split(r"[\s-]+", " ".join([*name.family, *name.given]).lower())
    syllables = [_syllables(word) for word in words]
    if len(words) < 2 or not all(syllables):
        return None
    spelt = ["-".join(map(_wade_syllable, parts)) for parts in syllables]
    return " ".join(spelt).title() if spelt != words else None


def _syllables(word: str) -> list[str]:
    parts: list[str] = _PINYIN.findall(word)
    return parts if "".join(parts) == word and len(parts) <= 2 else []


def _wade_syllable(syllable: str) -> str:
    if syllable in _WADE_FINALS:
        return _WADE_FINALS[syllable]
    for initial, written in _WADE_INITIALS:
        if syllable.startswith(initial):
            final = syllable.removeprefix(initial)
            if final == "i" and initial in {"zh", "ch", "sh", "r"}:
                final = "ih"
            return written + _WADE_FINALS.get(final, final)
    return syllable
