"""Names of people in other forms: order, parts added and left out, titles, fillers."""

import random
import re

from tests.screening.variations.parties import ListedName, is_from

_SURNAMES = (
    "Smith", "Johnson", "Taylor", "Brown", "Wilson", "Walker", "Wright", "Meyer", "Weber", "Dubois",
    "Moreau", "Rossi", "Kowalski", "Novak", "Jensen", "Hansen", "Bakker", "Costa",
)  # fmt: skip
_GIVEN = (
    "Peter", "Andrea", "Carlos", "Ahmed", "Daniel", "Michel", "Ivan", "Omar", "Luis", "Anna",
    "Maria", "Joseph", "Ali", "Pavel", "Simon", "Hassan", "Karim", "George", "Antonio", "Victor",
)  # fmt: skip
_TITLES = (
    "Mr.", "Mrs", "Dr.", "Prof. Dr.", "Haji", "Hajji", "Sheikh", "Gen.", "General", "Col.", "Eng.",
    "Sayyid", "Mullah", "Mawlawi", "Sir", "Señor", "Don", "Lic.", "Ing.", "Hon.", "Capt.",
)  # fmt: skip
_SUFFIXES = ("Jr.", "Jr", "Sr.", "II", "III", "Esq.", "PhD", "M.D.", "MBA", "Junior")
_PARTICLES = {
    "al": ("el", "ul", "Al"),
    "el": ("al", "El"),
    "bin": ("ben", "ibn", "bin"),
    "ben": ("bin", "ibn"),
    "ibn": ("bin", "ben"),
    "de": ("De", "de"),
    "la": ("La",),
    "del": ("Del",),
    "van": ("Van",),
    "von": ("Von",),
    "ould": ("Ould", "wuld"),
    "abu": ("Abou", "Abu"),
}
_WORDS_IN_HYPHENS = re.compile(r"[\s-]+")


def as_listed(name: ListedName, _choose: random.Random) -> str | None:
    """Return the name letter by letter."""
    return name.text


def in_another_order(name: ListedName, choose: random.Random) -> str | None:
    """Return the words shuffled, without the comma."""
    words = name.words
    return " ".join(choose.sample(words, len(words))) if len(words) > 1 else None


def hyphens_dropped(name: ListedName, choose: random.Random) -> str | None:
    """Write the words around a hyphen apart, or as one."""
    if not re.search(r"\w-\w", name.text):
        return None
    return " ".join(name.words).replace("-", choose.choice((" ", "", " ")))


def hyphens_added(name: ListedName, choose: random.Random) -> str | None:
    """Join two neighbours with a hyphen."""
    words = name.given if len(name.given) > 1 else name.family
    if len(words) < 2 or "-" in name.text:
        return None
    position = choose.randrange(len(words) - 1)
    joined = [*words[:position], "-".join(words[position : position + 2]), *words[position + 2 :]]
    return " ".join(joined + (name.family if words == name.given else name.given))


def particle_respelt(name: ListedName, choose: random.Random) -> str | None:
    """Join a particle to its word, write it apart or otherwise, or leave it out."""
    words = _WORDS_IN_HYPHENS.split(" ".join(name.words))
    places = [
        place
        for place, word in enumerate(words[:-1])
        if word.lower() in _PARTICLES and len(words[place + 1]) > 2
    ]
    if not places or len(words) < 3:
        return None
    place = choose.choice(places)
    particle, following = words[place], words[place + 1]
    other = choose.choice(_PARTICLES[particle.lower()])
    written = choose.choice(
        (
            [particle + following.lower()],
            [f"{other}-{following}"],
            [other, following],
            [following],
        )
    )
    return " ".join([*words[:place], *written, *words[place + 2 :]])


def title_in_front(name: ListedName, choose: random.Random) -> str | None:
    """Put a title before the name."""
    return f"{choose.choice(_TITLES)} {' '.join(name.words)}"


def suffix_behind(name: ListedName, choose: random.Random) -> str | None:
    """Put a suffix behind the name."""
    return f"{' '.join(name.words)} {choose.choice(_SUFFIXES)}"


def words_joined(name: ListedName, choose: random.Random) -> str | None:
    """Write two neighbours as one word."""
    words = name.words
    if len(words) < 3:
        return None
    place = choose.randrange(len(words) - 1)
    return " ".join([*words[:place], words[place] + words[place + 1].lower(), *words[place + 2 :]])


def word_parted(name: ListedName, choose: random.Random) -> str | None:
    """Write one long word as two."""
    words = name.words
    places = [place for place, word in enumerate(words) if len(word) > 6 and word.isalpha()]
    if not places or len(words) < 2:
        return None
    place = choose.choice(places)
    cut = choose.randint(3, len(words[place]) - 3)
    parts = [words[place][:cut], words[place][cut:]]
    return " ".join([*words[:place], *parts, *words[place + 1 :]])


def _double_surname(name: ListedName) -> list[str] | None:
    halves = _WORDS_IN_HYPHENS.split(" ".join(name.family))
    is_double = len(halves) == 2 and all(len(half) > 3 for half in halves)
    return halves if is_double and name.given and is_spanish(name) else None


def is_spanish(name: ListedName) -> bool:
    """Return whether the party is of a country where people have two surnames."""
    return is_from(name, "MX", "CO", "GT", "HN", "PE", "PA", "VE", "EC", "BO", "SV", "NI", "ES")


def half_of_double_surname(name: ListedName, choose: random.Random) -> str | None:
    """Keep the first given name and one of the two surnames."""
    halves = _double_surname(name)
    if halves is None or len(name.given) < 2:
        return None
    return f"{name.given[0]} {choose.choice(halves)}"


def double_surname_apart(name: ListedName, choose: random.Random) -> str | None:
    """Write one surname before the given names, and one behind."""
    halves = _double_surname(name)
    if halves is None:
        return None
    first, second = choose.sample(halves, 2)
    return f"{first} {' '.join(name.given)} {second}"


def surname_added(name: ListedName, choose: random.Random) -> str | None:
    """Write X-Smith or Smith-X for X."""
    if not (name.family and name.given):
        return None
    family, added = "-".join(name.family), choose.choice(_SURNAMES)
    both = choose.choice((f"{family}-{added}", f"{added}-{family}"))
    return f"{' '.join(name.given)} {both}"


def names_added(name: ListedName, choose: random.Random) -> str | None:
    """Add one or two given names."""
    if not (name.family and name.given):
        return None
    known = " ".join(name.all_names).lower()
    others = [given for given in _GIVEN if given.lower() not in known]
    added = choose.sample(others, choose.choice((1, 2)))
    return " ".join([name.given[0], *added, *name.given[1:], *name.family])


def _has_further_given(name: ListedName) -> bool:
    first = name.given[0].lower() if name.given else ""
    # A title, or half of a name, is not the name that people keep.
    is_name = not re.fullmatch(
        r"dr\.?|sheikh|shaykh|ustad|haji|hajji|'?abd(ul|el|al)?|col\.?", first
    )
    are_long = all(len(word) > 2 for word in name.given)
    return is_name and bool(name.family) and len(name.given) > 1 and are_long


def further_given_left_out(name: ListedName, _choose: random.Random) -> str | None:
    """Leave out all given names but the first."""
    return " ".join([name.given[0], *name.family]) if _has_further_given(name) else None


def further_given_as_initials(name: ListedName, choose: random.Random) -> str | None:
    """Write initials for all given names but the first."""
    if not _has_further_given(name):
        return None
    dot = choose.choice((".", ""))
    return " ".join([name.given[0], *(word[0] + dot for word in name.given[1:]), *name.family])


def all_given_as_initials(name: ListedName, choose: random.Random) -> str | None:
    """Write initials for all given names."""
    if not name.family or not name.given or not all(word[0].isalpha() for word in name.given):
        return None
    dot = choose.choice((".", ""))
    return " ".join([*(word[0] + dot for word in name.given), *name.family])


def filler_added(name: ListedName, choose: random.Random) -> str | None:
    """Fill a field of a form: FNU, LNU, a dash, or a name again."""
    words = name.words
    repeated = " ".join([*words, words[-1]])
    if len(words) == 1:
        return choose.choice((f"{words[0]} LNU", f"FNU {words[0]}", f"- {words[0]}", repeated))
    text = " ".join(words)
    return choose.choice((f"{text} FNU", f"{text} LNU", f"{text} -", f"NMN {text}", repeated))


def single_name(name: ListedName, choose: random.Random) -> str | None:
    """Write a listed single name alone, or as forms want two."""
    if len(name.words) != 1 or "-" in name.text:
        return None
    word = name.words[0]
    return choose.choice(
        (word.title(), f"{word} {word}", f"{word} FNU", f"LNU, {word}", f"{word} -", f"{word} N/A")
    )
