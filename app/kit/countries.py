"""The one set of countries: ISO 3166-1 with Kosovo, their English names, and what people write for
them. Every room takes its codes and names from here.
"""

from collections.abc import Mapping
from functools import cache

from babel import Locale
from babel.core import get_global

from app.kit.errors import Invalid

#: Codes of two letters that Unicode's data have beside countries: parts of them, unions, the
#: unknown one and those of tests.
_NO_COUNTRIES = frozenset(
    {
        "AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ",
    }
)  # fmt: skip
#: The English name of each country by its code, in capitals, of two letters.
COUNTRY_NAMES: dict[str, str] = {
    code: name
    for code, name in Locale("en").territories.items()
    if code.isalpha() and len(code) == len("US") and code not in _NO_COUNTRIES
}
#: Languages in which the name of a country is recognized, to say which code is meant.
_LANGUAGES = ("en", "fr", "es", "pt", "de", "it", "nl", "pl", "ru", "uk", "tr", "ar", "ja", "zh")
#: Names without an entry of their own in Unicode's data.
_OTHER_NAMES = {
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "great britain": "GB",
    "holland": "NL",
}


def is_country(code: str) -> bool:
    """Return whether this is the code of a country today."""
    return code in COUNTRY_NAMES


def country_name(code: str) -> str:
    """Return the English name; the code itself if it is no country's, as in old records."""
    return COUNTRY_NAMES.get(code, code)


def parse_country(field: str, text: str) -> str:
    """Return the code in capitals. Raises `Invalid` that names the code which is meant, if any."""
    code = text.strip().upper()
    if code in COUNTRY_NAMES:
        return code
    raise Invalid(field, _say_what_is_right(text.strip()))


def _say_what_is_right(text: str) -> str:
    candidates = _find_candidates(text)
    if not candidates:
        return "Enter a country code of two letters, like US."
    if len(candidates) == 1:
        return f"Enter {candidates[0]} for {COUNTRY_NAMES[candidates[0]]}."
    options = [f"{code} for {COUNTRY_NAMES[code]}" for code in candidates]
    either = f"{', '.join(options[:-1])} or {options[-1]}"
    return f"{text.upper()} is not a country today. Enter {either}."


def _find_candidates(text: str) -> list[str]:
    """Return the codes of the countries that a text means: an old code, a longer one or a name."""
    codes: Mapping[str, list[str]] = get_global("territory_aliases")
    aliases = [code for code in codes.get(text.upper(), []) if code in COUNTRY_NAMES]
    named = _codes_by_name().get(text.casefold())
    return aliases or ([named] if named else [])


@cache
def _codes_by_name() -> dict[str, str]:
    codes = dict(_OTHER_NAMES)
    for language in _LANGUAGES:
        names = Locale(language).territories
        for code in COUNTRY_NAMES:
            if code in names:
                codes.setdefault(names[code].casefold(), code)
    return codes
