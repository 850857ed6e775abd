"""Ways to write names that no rule was tuned with, and aliases that the index does not know."""

import random
import re
from collections.abc import Iterable

from app.screening.lists.sdn import SdnEntry
from tests.screening.variations.parties import ListedName, is_from

_NEIGHBOURS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok",
    "o": "ipl", "p": "ol", "a": "qsz", "s": "adw", "d": "sfe", "f": "dgr", "g": "fht", "h": "gjy",
    "j": "hku", "k": "jli", "l": "ko", "z": "xas", "x": "zcs", "c": "xvd", "v": "cbf", "b": "vng",
    "n": "bmh", "m": "nj",
}  # fmt: skip
#: What machines and people read for another letter.
_MISREAD = (("m", "rn"), ("rn", "m"), ("w", "vv"), ("cl", "d"), ("d", "cl"), ("h", "li"),
            ("u", "v"), ("v", "u"), ("e", "c"), ("i", "l"), ("l", "i"), ("n", "ri"))  # fmt: skip
_UKRAINIAN = {
    "vladimir": "Volodymyr", "sergey": "Serhii", "sergei": "Serhii", "nikolay": "Mykola",
    "nikolai": "Mykola", "aleksandr": "Oleksandr", "aleksey": "Oleksii", "alexey": "Oleksii",
    "dmitry": "Dmytro", "dmitriy": "Dmytro", "dmitri": "Dmytro", "evgeny": "Yevhen",
    "yevgeny": "Yevhen", "andrey": "Andrii", "andrei": "Andrii", "mikhail": "Mykhailo",
    "pavel": "Pavlo", "igor": "Ihor", "oleg": "Oleh", "elena": "Olena", "petr": "Petro",
    "vitaly": "Vitalii", "yury": "Yurii", "yuri": "Yurii", "yuriy": "Yurii", "anna": "Hanna",
    "denis": "Denys", "kirill": "Kyrylo", "ivan": "Ivan", "maksim": "Maksym",
    "konstantin": "Kostiantyn", "anatoly": "Anatolii", "aleksei": "Oleksii", "alexander":
    "Oleksandr",
}  # fmt: skip
_TURKISH = (("sh", "s"), ("kh", "h"), ("gh", "g"), ("dh", "z"), ("th", "s"), ("j", "c"),
            ("ch", "c"), ("w", "v"), ("q", "k"), ("ou", "u"), ("oo", "u"), ("ee", "i"))  # fmt: skip
_PERSIAN = (("w", "v"), ("th", "s"), ("dh", "z"), ("allah", "ollah"), ("ullah", "ollah"),
            ("abd al-", "abdol"), ("abdul ", "abdol"), ("u", "o"), ("aw", "ow"))  # fmt: skip
_ARABIC = ("IQ", "SY", "LB", "EG", "LY", "YE", "SD", "PS", "JO", "SA", "DZ", "TN", "KW", "TR", "AF")
_AND = {"&": "and", "and": "&", "y": "&", "et": "&"}


def letter_beside_on_the_keyboard(name: ListedName, choose: random.Random) -> str | None:
    """Exchange one letter of a word for its neighbour on the keyboard."""
    words = [word.lower() for word in name.words]
    places = [
        place
        for place, word in enumerate(words)
        if len(word) > 4 and word.isascii() and word.isalpha()
    ]
    if not places or len(words) < 2:
        return None
    place = choose.choice(places)
    positions = [at for at, letter in enumerate(words[place]) if letter in _NEIGHBOURS]
    at = choose.choice(positions)
    word = words[place]
    words[place] = word[:at] + choose.choice(_NEIGHBOURS[word[at]]) + word[at + 1 :]
    return " ".join(words)


def letter_misread(name: ListedName, choose: random.Random) -> str | None:
    """Read one letter for others that look alike."""
    text = " ".join(name.words).lower()
    rules = [(old, new) for old, new in _MISREAD if old in text[1:]]
    if not rules or len(text) < 10:
        return None
    old, new = choose.choice(rules)
    at = choose.choice([found.start() for found in re.finditer(old, text) if found.start()])
    return text[:at] + new + text[at + len(old) :]


def letter_doubled_or_single(name: ListedName, choose: random.Random) -> str | None:
    """Write each doubled letter once, or one consonant twice."""
    text = " ".join(name.words).lower()
    single = re.sub(r"([bcdfgklmnprst])\1", r"\1", text)
    if single != text:
        return single
    places = [found.start() for found in re.finditer(r"(?<=[aeiou])[lmnrst](?=[aeiou])", text)]
    if not places:
        return None
    at = choose.choice(places)
    return text[:at] + text[at] + text[at:]


def ukrainian_given_name(name: ListedName, _choose: random.Random) -> str | None:
    """Write a Russian given name as a Ukrainian passport does."""
    if not is_from(name, "RU", "UA", "BY") or not name.family or not name.given:
        return None
    first, *others = name.given
    other = _UKRAINIAN.get(first.lower())
    return (
        " ".join([other, *others, *name.family])
        if other and other.lower() != first.lower()
        else None
    )


def turkish_of_arabic(name: ListedName, _choose: random.Random) -> str | None:
    """Write an Arabic name with Turkish letters."""
    return _respelt(name, _TURKISH, _ARABIC)


def persian_of_arabic(name: ListedName, _choose: random.Random) -> str | None:
    """Write an Arabic name as it is spoken in Persian."""
    return _respelt(name, _PERSIAN, ("IR", "AF", "IQ", "LB", "PK"))


def _respelt(
    name: ListedName, rules: Iterable[tuple[str, str]], countries: Iterable[str]
) -> str | None:
    if not is_from(name, *countries) or len(name.words) < 2:
        return None
    before = text = " ".join(name.words).lower()
    for old, new in rules:
        text = text.replace(old, new)
    return text.title() if text != before else None


def second_surname_as_initial(name: ListedName, _choose: random.Random) -> str | None:
    """Keep the first letter of the second surname, as in Latin America."""
    if not is_from(name, "MX", "CO", "GT", "HN", "PE", "PA", "VE", "EC") or len(name.family) != 2:
        return None
    first, second = name.family
    return f"{' '.join(name.given)} {first} {second[0]}." if name.given else None


def sign_for_and(name: ListedName, _choose: random.Random) -> str | None:
    """Write "and" as a sign, or the sign as a word."""
    words = name.text.split()
    if not any(word.lower() in _AND for word in words[1:-1]):
        return None
    return " ".join(_AND.get(word.lower(), word) for word in words)


def first_word_last(name: ListedName, _choose: random.Random) -> str | None:
    """Put the first word of a company behind all others."""
    words = name.text.split()
    return " ".join([*words[1:], words[0]]) if len(words) > 2 else None


def plural_or_singular(name: ListedName, choose: random.Random) -> str | None:
    """Add an s to a word, or leave it away."""
    words = name.text.split()
    places = [place for place, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not places or len(words) < 2:
        return None
    place = choose.choice(places)
    word = words[place]
    words[place] = word[:-1] if word[-1].lower() == "s" else f"{word}s"
    return " ".join(words)


def dots_and_dashes_left_out(name: ListedName, _choose: random.Random) -> str | None:
    """Leave out every sign."""
    text = re.sub(r"\s+", " ", re.sub(r"[.,'()/-]", "", name.text))
    return text if text != name.text and len(text.split()) > 1 else None


def company_typed_beside(name: ListedName, choose: random.Random) -> str | None:
    """Exchange one letter of a company's name for its neighbour on the keyboard."""
    return letter_beside_on_the_keyboard(name, choose)


def without_alias(entry: SdnEntry, alias: str) -> tuple[tuple[str, str, str], ...]:
    """Return the aliases of an entry without one."""
    return tuple(fields for fields in entry.aliases if fields[1] != alias)


PEOPLE = (
    letter_beside_on_the_keyboard,
    letter_misread,
    letter_doubled_or_single,
    ukrainian_given_name,
    turkish_of_arabic,
    persian_of_arabic,
    second_surname_as_initial,
)
COMPANIES = (
    company_typed_beside,
    sign_for_and,
    first_word_last,
    plural_or_singular,
    dots_and_dashes_left_out,
)
